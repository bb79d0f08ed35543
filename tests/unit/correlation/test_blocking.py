"""Who is compared at all."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.unit.correlation.people import ANNA, HERS, NAMESAKES, RULES, only
from worker.correlation import RuleSet, match_keys
from worker.correlation.normalize import TITLES
from worker.domain.correlation import MatchKey, Side


def do_meet(identity: dict[str, object], account: dict[str, object], rules: RuleSet = RULES) -> bool:
    return bool({*match_keys(identity, rules, side=Side.IDENTITY)} & {*match_keys(account, rules, side=Side.ACCOUNT)})


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        pytest.param(only(HERS, "emp_no"), True, id="number"),
        pytest.param({"emp_no": "0000042"}, True, id="number written otherwise"),
        pytest.param(only(HERS, "email"), True, id="mail"),
        pytest.param({"email": "anna.mueller@other.example"}, True, id="mail in another domain"),
        pytest.param({"email": "anna.muelelr@acme.example"}, True, id="misspelt mail"),
        pytest.param({"login": "ann.mueller"}, True, id="misspelt login"),
        pytest.param({"last_name": "Anna", "first_name": "Muller"}, True, id="swapped names"),
        pytest.param({"first_name": "Ana", "last_name": "Müller"}, True, id="misspelt first name"),
        pytest.param({"first_name": "Anna", "last_name": "Nüller"}, True, id="first letter misspelt"),
        pytest.param({"first_name": "Anja", "last_name": "Miller"}, True, id="two names that sound alike"),
        pytest.param({"birth_date": "1984-03-02", "first_name": "Anna", "last_name": "Schmidt"}, True, id="married"),
        pytest.param(only(HERS, "phone"), True, id="phone"),
        pytest.param(only(HERS, "dept"), False, id="department alone"),
        pytest.param(only(HERS, "birth_date"), False, id="birth date alone"),
        pytest.param(NAMESAKES, True, id="namesakes are compared"),
        pytest.param({"login": "bert", "email": "bert@acme.example"}, False, id="somebody else"),
        pytest.param({}, False, id="nothing"),
    ],
)
def test_who_meets(account: dict[str, object], expected: bool) -> None:
    assert do_meet(ANNA, account) is expected


def test_keys_are_bigints_sorted_and_without_repetition() -> None:
    keys = match_keys(ANNA, RULES, side=Side.IDENTITY)

    assert len(keys) == len(set(keys)) < 40
    assert all(-(2**63) <= key.hash < 2**63 for key in keys)
    assert [key.kind for key in keys] == sorted(key.kind for key in keys)


def test_keys_do_not_change_between_versions_of_the_program() -> None:
    """Stored keys are found by later programs."""
    assert match_keys({"emp_no": "42"}, RULES, side=Side.ACCOUNT) == [MatchKey("employee number", -7925574308609579383)]


def test_phonetic_rules_have_a_key_of_their_sound() -> None:
    rule = {"name": "sound", "source": "n", "target": "m", "match": "phonetic", "normalize": ["fold"]}
    soundex = RuleSet.from_json({"rules": [rule | {"algorithm": "soundex"}]})
    metaphone = RuleSet.from_json({"rules": [rule | {"algorithm": "metaphone"}]})

    assert do_meet({"n": "Robert"}, {"m": "Rupert"}, soundex)
    assert do_meet({"n": "Philip"}, {"m": "Filip"}, metaphone)
    assert not do_meet({"n": "Robert"}, {"m": "Rupert"}, metaphone)


def test_expressions_and_rules_told_not_to_have_no_keys() -> None:
    rules = [
        {"name": "e", "source": "n", "target": "m", "match": "expression", "expression": "True"},
        {"name": "f", "source": "n", "target": "m", "blocking": False},
    ]

    assert match_keys({"n": "x"}, RuleSet.from_json({"rules": rules}), side=Side.IDENTITY) == []


# Without signs that folding merges (ae, aa) and without titles: there one typo can be two.
WORDS = st.text("bcdfgilmnorstu", min_size=4, max_size=9)


@st.composite
def one_typo(draw: st.DrawFn) -> tuple[str, str]:
    word = draw(WORDS)
    at = draw(st.integers(0, len(word) - 2))
    sign = draw(st.sampled_from("bnorts"))
    typos = [
        word[:at] + word[at + 1 :],
        word[:at] + sign + word[at:],
        word[:at] + sign + word[at + 1 :],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    ]
    return word, draw(st.sampled_from(typos))


relaxed = settings(deadline=None)


@relaxed
@given(one_typo())
def test_logins_one_typo_apart_meet(pair: tuple[str, str]) -> None:
    assert do_meet({"user_name": pair[0]}, {"login": pair[1]})


@relaxed
@given(one_typo())
def test_addresses_one_typo_apart_meet(pair: tuple[str, str]) -> None:
    assert do_meet({"mail": f"{pair[0]}@a.example"}, {"email": f"{pair[1]}@a.example"})


@relaxed
@given(one_typo(), WORDS)
def test_names_one_typo_apart_meet(pair: tuple[str, str], other: str) -> None:
    left, right = pair
    assume(other not in pair)
    assume(not {left, right, other} & TITLES)  # "ing" is an engineer's title, and no part of a name

    assert do_meet({"given_name": left, "family_name": other}, {"first_name": right, "last_name": other})
    assert do_meet({"given_name": other, "family_name": left}, {"first_name": right, "last_name": other})
