"""What one change did to many values is one cause, whatever the values were."""

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from worker.recon.causes import LONGEST_DETAIL, Cause, CauseKind, cause_of, causes_of

WORDS = st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=3, max_size=12)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
JSON = SCALARS | st.lists(SCALARS, max_size=4) | st.dictionaries(st.text(), SCALARS, max_size=3)


@pytest.mark.parametrize(
    ("expected", "actual", "words"),
    [
        pytest.param("Sales", None, "there is no value", id="cleared"),
        pytest.param(["a"], [], "there is no value", id="list cleared"),
        pytest.param(None, "Sales", "there is a value where none should be", id="to be cleared"),
        pytest.param("Sales", "SALES", "upper and lower case differ", id="case"),
        pytest.param("New York", "NewYork", "blanks differ", id="blanks"),
        pytest.param("+49 30 1", "0049-30-1", "it is '0049-30-1'", id="something else"),
        pytest.param("030/12", "030 12", "signs other than letters and digits differ", id="punctuation"),
        pytest.param("Müller", "Mller", "letters beyond ASCII differ", id="umlauts lost"),
        pytest.param("Мария", "Иван", "it is 'Иван'", id="nothing is left of either"),
        pytest.param("--", "..", "it is '..'", id="signs alone"),
        pytest.param("a@old.org", "A@new.org", "the domain is another: old.org > new.org", id="domain"),
        pytest.param("cn=a,ou=x,o=y", "cn=a,ou=z,o=y", "it is at another place: ou=x,o=y > ou=z,o=y", id="moved"),
        pytest.param("a@new.org", "a", "the end '@new.org' is missing", id="suffix lost"),
        pytest.param("x-a", "a", "the beginning 'x-' is missing", id="prefix lost"),
        pytest.param("anna", "X-anna", "'X-' is put before it", id="prefix added"),
        pytest.param("anna", "anna.old", "'.old' is put behind it", id="suffix added"),
        pytest.param(True, False, "it is 'false'", id="a flag"),
        pytest.param(1, "1", "it is of another type", id="a number as text"),
        pytest.param(True, "TRUE", "it is of another type", id="a flag as text"),
        pytest.param(["a", "b"], ["b"], "'a' is not among the values", id="one lacks"),
        pytest.param(["b"], ["b", "admins"], "'admins' is among the values and should not be", id="one too many"),
        pytest.param(["a"], ["b"], "other values", id="other lists"),
        pytest.param("a", ["a", "b"], "'b' is among the values and should not be", id="one value, and a list"),
    ],
)
def test_cause_is_told_in_words(expected: Any, actual: Any, words: str) -> None:
    assert cause_of("x", expected, actual).words == words


def test_secrets_are_not_among_what_is_told() -> None:
    assert cause_of("password", "one", "another") == Cause("password", CauseKind.LIST)


@given(st.text(), JSON, JSON)
def test_every_difference_has_a_cause_that_can_be_stored_and_read_again(name: str, expected: Any, actual: Any) -> None:
    cause = cause_of(name, expected, actual)

    assert Cause.parse(cause.key) == cause
    assert len(cause.detail) <= LONGEST_DETAIL
    assert len(cause.id) == 16
    assert cause.words
    assert "\0" not in cause.key


@given(st.lists(WORDS, min_size=2, max_size=6, unique=True), WORDS, WORDS)
def test_one_change_of_a_domain_is_one_cause(names: list[str], old: str, new: str) -> None:
    assume(old != new)

    causes = {cause_of("mail", f"{name}@{old}.org", f"{name}@{new}.org") for name in names}

    assert causes == {Cause("mail", CauseKind.DOMAIN, f"{old}.org > {new}.org")}


@given(st.lists(WORDS, min_size=2, max_size=6, unique=True), st.sampled_from(["X-", "adm_", "zz."]))
def test_one_prefix_is_one_cause_and_so_is_one_that_is_lost(names: list[str], prefix: str) -> None:
    added = {cause_of("login", name, prefix + name) for name in names}
    lost = {cause_of("login", prefix + name, name) for name in names}

    assert added == {Cause("login", CauseKind.PREFIX, prefix)}
    assert lost == {Cause("login", CauseKind.BEGINNING, prefix)}


@given(st.lists(WORDS, min_size=2, max_size=6, unique=True))
def test_case_alone_is_one_cause(names: list[str]) -> None:
    assert {cause_of("login", name, name.upper()) for name in names} == {Cause("login", CauseKind.CASE)}


@given(st.lists(WORDS, min_size=2, max_size=6, unique=True), st.integers())
def test_one_value_for_all_is_one_cause(names: list[str], number: int) -> None:
    assert {cause_of("dept", name, f"#{number}#") for name in names} == {
        Cause("dept", CauseKind.REPLACED, f"#{number}#")
    }


@given(st.text(min_size=LONGEST_DETAIL + 1), st.text(min_size=LONGEST_DETAIL + 1))
def test_long_values_stay_apart(one: str, other: str) -> None:
    causes = {cause_of("x", 1, one), cause_of("x", 1, other)}

    assert len({each.detail for each in causes if each.kind is CauseKind.REPLACED}) == len({one, other})


@given(st.dictionaries(WORDS, st.tuples(WORDS, WORDS), min_size=1))
def test_the_causes_of_a_finding_do_not_depend_on_an_order(found: dict[str, tuple[str, str]]) -> None:
    attributes = {name: {"expected": one, "actual": other} for name, (one, other) in found.items()}
    backwards = dict(reversed(attributes.items()))

    assert causes_of(attributes) == causes_of(backwards)
    assert [json.loads(key)[0] for key in causes_of(attributes)] == sorted(attributes)
