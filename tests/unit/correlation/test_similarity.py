"""How alike texts are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.correlation.similarity import Algorithm, address_similarity, similarity

TEXTS = st.text("abe. -1", max_size=8)


@pytest.mark.parametrize(
    ("algorithm", "left", "right", "low", "high"),
    [
        pytest.param("osa", "anna.muller", "anna.mulelr", 0.9, 0.92, id="transposition is one edit"),
        pytest.param("levenshtein", "anna.muller", "anna.mulelr", 0.8, 0.83, id="or two"),
        pytest.param("jaro_winkler", "dixon", "dicksonx", 0.81, 0.82, id="Jaro-Winkler's own example"),
        pytest.param("osa", "mueller2", "mueller", 0, 0, id="another digit is another person"),
        pytest.param("osa", "annamuller", "anna.muller", 0.96, 0.96, id="separators left out"),
        pytest.param("osa", "anna.m.muller", "anna.muller", 0.7, 0.8, id="a further initial"),
        pytest.param("token_sort", "anna muller", "muller ana", 0.9, 0.92, id="any order"),
        pytest.param(
            "token_sort", "anna muller", "muler anna", 0.9, 0.92, id="a first letter typed wrong may sort otherwise"
        ),
        pytest.param("token_sort", "a b c d", "d c b a", 1, 1, id="many tokens are sorted"),
        pytest.param("trigram", "word", "two words", 0.36, 0.37, id="pg_trgm's own example"),
        pytest.param("trigram", "", "   ", 0, 0, id="nothing to compare"),
        pytest.param("soundex", "robert smith", "smyth rupert", 1, 1, id="sounds in any order"),
        pytest.param("soundex", "anna", "berta", 0, 0, id="other sounds"),
        pytest.param("soundex", "...", "---", 0, 0, id="no sounds"),
        pytest.param("metaphone", "philip", "filip", 1, 1, id="metaphone"),
    ],
)
def test_similarity(algorithm: str, left: str, right: str, low: float, high: float) -> None:
    assert low <= similarity(Algorithm(algorithm), left, right) <= high


def test_digits_may_be_typos_when_told() -> None:
    assert similarity(Algorithm.OSA, "10042", "10024", typos_in_digits=True) == 0.8


@pytest.mark.parametrize(
    ("left", "right", "low", "high"),
    [
        pytest.param("a.b@x.example", "a.b@x.example", 1, 1, id="same"),
        pytest.param("anna.muller@x.example", "anna.muller@y.example", 0.96, 0.96, id="other domain"),
        pytest.param("anna.muller@x.example", "anna.mulelr@x.example", 0.9, 0.92, id="typo"),
        pytest.param("anna.muller@x.example", "anna.mulelr@y.example", 0.8, 0.85, id="typo and other domain"),
        pytest.param("bert@x.example", "anna@x.example", 0, 0.3, id="same domain is nothing"),
    ],
)
def test_address_similarity(left: str, right: str, low: float, high: float) -> None:
    assert low <= address_similarity(Algorithm.OSA, left, right) <= high


@settings(deadline=None)
@given(st.sampled_from(Algorithm), TEXTS, TEXTS)
def test_similarity_is_symmetric_and_between_0_and_1(algorithm: Algorithm, left: str, right: str) -> None:
    found = similarity(algorithm, left, right)

    assert 0 <= found <= 1
    assert found == pytest.approx(similarity(algorithm, right, left))
    assert similarity(algorithm, left, left) == 1
