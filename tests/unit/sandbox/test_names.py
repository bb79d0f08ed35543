import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox.library import names


@pytest.mark.parametrize(
    ("value", "titled"),
    [
        pytest.param("ANNA-MARIA O'NEIL", "Anna-Maria O'Neil", id="capitals"),
        pytest.param("ludwig VAN beethoven", "Ludwig van Beethoven", id="particle"),
        pytest.param("von der Leyen", "Von der Leyen", id="particle first"),
        pytest.param("Ronald McDonald", "Ronald McDonald", id="mixed case stays"),
        pytest.param("  jörg   müller ", "Jörg Müller", id="spaces"),
    ],
)
def test_title_name(value: str, titled: str) -> None:
    assert names.title_name(value) == titled


@pytest.mark.parametrize(
    ("pattern", "values", "expected"),
    [
        pytest.param("{g:1}{f}", {"g": "Jörg", "f": "Müller"}, ["jmueller", "jmueller2", "jmueller3"], id="initial"),
        pytest.param(
            "{g}.{f}", {"g": "Jo Ann", "f": "O'Neil"}, ["joann.oneil", "joann.oneil2", "joann.oneil3"], id="dot"
        ),
        pytest.param("{g}.{f}", {"g": None, "f": "X"}, ["x", "x2", "x3"], id="empty part"),
        pytest.param("{n}", {"n": 4711}, ["4711", "47112", "47113"], id="number"),
    ],
)
def test_candidates(pattern: str, values: dict[str, object], expected: list[str]) -> None:
    assert names.candidates(pattern, values, count=3) == expected


def test_candidates_keep_their_number_within_the_length() -> None:
    made = names.candidates("{n}", {"n": "abcdefgh"}, count=12, length=5)

    assert made[:2] == ["abcde", "abcd2"]
    assert made[-1] == "abc12"
    assert len(set(made)) == 12


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"x": "a"}, "not among the values", id="unknown name"),
        pytest.param({"n": "🎉"}, "leaves nothing of these values$", id="nothing left"),
        pytest.param({"n": ["a"]}, "not a list", id="list"),
    ],
)
def test_candidates_say_why_there_are_none(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        names.candidates("{n}", values)


@given(st.text("ab1.é", min_size=1, max_size=8), st.integers(2, 8), st.integers(1, 200))
def test_candidates_are_different_and_never_too_long(value: str, length: int, count: int) -> None:
    try:
        made = names.candidates("{n}", {"n": value}, count=count, length=length)
    except ValueError:
        return

    assert len(set(made)) == len(made) <= count
    assert all(0 < len(name) <= length for name in made)


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        pytest.param("Anna Ek", ("", "Anna", "Ek", ""), id="two words"),
        pytest.param("Madonna", ("", "Madonna", "", ""), id="one word"),
        pytest.param(
            "Prof. Dr. Karl von und zu Guttenberg", ("Prof. Dr.", "Karl von und", "zu Guttenberg", ""), id="titles"
        ),
        pytest.param("Oscar de la Hoya III", ("", "Oscar", "de la Hoya", "III"), id="suffix"),
        pytest.param("van der Berg, Anna Maria", ("", "Anna Maria", "van der Berg", ""), id="turned"),
        pytest.param("Anna Ek, PhD", ("", "Anna", "Ek", "PhD"), id="comma before a degree"),
        pytest.param("de Gaulle", ("", "de", "Gaulle", ""), id="particle alone is a name"),
        pytest.param("", ("", "", "", ""), id="nothing"),
    ],
)
def test_split_name(value: str, parts: tuple[str, str, str, str]) -> None:
    assert tuple(names.split_name(value).values()) == parts


@given(st.text("aB. ,dr", max_size=30))
def test_split_name_keeps_every_word(value: str) -> None:
    parts = names.split_name(value)

    assert sorted(" ".join(parts.values()).split()) == sorted(value.replace(",", " ").split())
