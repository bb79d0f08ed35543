"""What the rules say about one pair."""

from math import log
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.correlation.people import ANNA, HERS, RULES, candidate, identity, only, ref
from worker.correlation import NOTHING, Held, NameFrequencies, RuleSet, Told
from worker.correlation.prepare import prepare_candidate, prepare_subject
from worker.correlation.score import Scored, score
from worker.domain.correlation import MatchType, Side, Subject


def scored(
    account: dict[str, Any],
    person: dict[str, Any] = ANNA,
    *,
    rules: RuleSet = RULES,
    frequencies: NameFrequencies | None = None,
    told: Told = NOTHING,
    wanted: dict[str, Any] | None = None,
) -> Scored:
    subject = prepare_subject(identity(person, wanted=wanted), rules)
    other = prepare_candidate(candidate(account), rules, side=Side.ACCOUNT)
    return score(subject, other, rules, frequencies=frequencies, told=told)


def points(account: dict[str, Any], rule: str, **others: Any) -> float:
    return next(one.points for one in scored(account, **others).contributions if one.rule == rule)


@pytest.mark.parametrize(
    ("account", "rule", "expected"),
    [
        pytest.param({"emp_no": "00042"}, "employee number", 11, id="number agrees"),
        pytest.param({"emp_no": "00043"}, "employee number", -6, id="number differs"),
        pytest.param({"emp_no": ""}, "employee number", 0, id="no number"),
        pytest.param({"emp_no": ["7", "42"]}, "employee number", 11, id="one of several numbers"),
        pytest.param({"login": "anna.mueller2"}, "user name", -2, id="another digit is another login"),
        pytest.param(
            {"email": "anna.mueller@other.example"}, "email", pytest.approx(7.86, abs=0.01), id="other domain"
        ),
        pytest.param({"dept": "sales"}, "department", 2, id="department"),
        pytest.param({"first_name": "Anna", "last_name": "Müller"}, "name", 8.5, id="name"),
        pytest.param({"first_name": "Anna"}, "name", 0, id="half a name says nothing"),
        pytest.param({"first_name": "Anna Maria", "last_name": "Müller"}, "name", 8.5, id="longer name"),
        pytest.param({"first_name": "Andrea", "last_name": "Müller"}, "name", 0.75, id="half of the name"),
        pytest.param({"birth_date": "1900-01-01"}, "birth date", 0, id="placeholder for a date"),
    ],
)
def test_points_of_a_rule(account: dict[str, Any], rule: str, expected: float) -> None:
    assert points(account, rule) == expected


def test_every_rule_explains_itself_in_words() -> None:
    account = {
        "login": "anna.muelelr",
        "emp_no": 42,
        "email": "bert@acme.example",
        "first_name": "Andrea",
        "last_name": "Müller",
        "dept": "Sales",
    }

    assert [one.words for one in scored(account, ANNA | {"phone": None, "birth_date": "1984-03-02"}).contributions] == [
        "employee number: 'E-00042' and '42' are the same",
        "email: 'anna.mueller@acme.example' and 'bert@acme.example' are different",
        "user name: 'anna.mueller' and 'anna.muelelr' are 91% alike",
        "birth date: no value at the account",
        "phone: no value at either side",
        "department: 'Sales' on both sides",
        "name: 'Anna Müller' and 'Andrea Müller' have only a part in common",
    ]
    assert scored({"phone": "030 1234567"}, {}).contributions[4].words == "phone: no value at the identity"


def test_values_are_shown_as_written_and_cut() -> None:
    found = scored({"login": "x" * 200}).contributions[2]

    assert (found.source_value, found.target_value) == ("anna.mueller", "x" * 80)


def test_likenesses_of_one_group_count_once_in_full_and_a_quarter_after_that() -> None:
    account = {"login": "anna.muelelr", "email": "anna.muelelr@acme.example"}
    alone = points({"login": "anna.muelelr"}, "user name")

    assert points(account, "user name") == pytest.approx(alone / 4)
    assert points(account, "email") > points(account, "user name")


def test_disagreements_of_one_group_count_once_in_full_and_a_half_after_that() -> None:
    found = {one.rule: one.points for one in scored({"login": "x", "email": "x@y.example", "emp_no": 7}).contributions}

    assert (found["email"], found["user name"], found["employee number"]) == (-2.5, -1, -6)


def test_an_exact_agreement_is_not_damped_by_a_likeness_that_counts_half_beside_it() -> None:
    account = {"login": "anna.mueller", "email": "anna.muelelr@acme.example"}

    assert points(account, "user name") == 9
    assert points(account, "email") == points({"email": account["email"]}, "email") / 2


def test_of_exact_agreements_of_one_group_one_counts_in_full() -> None:
    account = only(HERS, "login", "email", "first_name", "last_name")
    found = {one.rule: one.points for one in scored(account).contributions}

    assert (found["email"], found["user name"], found["name"]) == (10, 4.5, 4.25)


def test_what_the_account_would_have_counts_beside_the_identity() -> None:
    assert points({"login": "amu"}, "user name") == -2
    assert points({"login": "amu"}, "user name", wanted={"login": "amu"}) == 9
    assert points({"login": "anna.mueller"}, "user name", wanted={"login": "amu"}) == 9


def test_rare_names_weigh_more_than_common_ones() -> None:
    people = ["Anna Müller"] * 3 + ["Anna Huber"] * 97 + ["Berta Müller"] * 197 + ["Y Y"] * 4703
    frequencies = NameFrequencies.of(people)
    anna = {"first_name": "Anna", "last_name": "Müller"}

    common = points(anna, "name", frequencies=frequencies)
    rare = points(
        {"first_name": "Zora", "last_name": "Zwick"},
        "name",
        person={"given_name": "Zora", "family_name": "Zwick"},
        frequencies=frequencies,
    )

    assert common == pytest.approx(-log(4 * (100 / 5000) * (200 / 5000) + 2.05 / 5000))
    assert rare == pytest.approx(-log(4 / 5000**2 + 0.05 / 5000))


NAMES = NameFrequencies.of(["Anna Müller"] * 10 + ["Robert Huber"] * 90 + ["Y Y"] * 900)
ANNAS = log(1000 / 10)


@pytest.mark.parametrize(
    ("person", "account", "expected"),
    [
        pytest.param("Anna Müller", "Anna Schmidt", ANNAS - 3.5, id="another surname"),
        pytest.param("Anna Müller", "Anna Müler", ANNAS + (ANNAS - 3), id="misspelt"),
        pytest.param("Anna Müller", "A. Müller", ANNAS + 2, id="initial"),
        pytest.param("Robert Huber", "Bob Huber", log(1000 / 90) + 0.3, id="called for short"),
        pytest.param(
            "Anna Müller", "Anna Müller-Schmidt", -log(4 * 0.01**2 + 0.009 + 0.00005), id="with a second surname"
        ),
        pytest.param("Hans Georg Müller", "Hansgeorg Müller", ANNAS + log(1000) - 1.5, id="in one word"),
        pytest.param("Anna Müller", "Müller", ANNAS, id="only one part"),
        pytest.param("Anna Müller", "Bert Huber", -4, id="another person"),
    ],
)
def test_each_part_of_a_name_speaks_for_itself(person: str, account: str, expected: float) -> None:
    rules = RuleSet.from_json({"rules": [NAME_RULE]})
    [found] = scored({"b": account}, {"a": person}, rules=rules, frequencies=NAMES).contributions

    assert found.points == pytest.approx(expected, abs=0.01)


NAME_RULE = {
    "name": "r", "source": "a", "target": "b", "match": "fuzzy", "algorithm": "token_sort", "normalize": ["name"],
    "by_frequency": True, "disagreement": 4,
}  # fmt: skip


def test_learnt_levels_take_the_place_of_threshold_and_neutral() -> None:
    rules = rule_set(
        match="fuzzy", algorithm="osa", typos_in_digits=True, weight=9, disagreement=2, levels=[[0.9, 5], [0.8, -0.5]]
    )

    def worth(text: str) -> float:
        return scored({"b": text}, {"a": "0123456789"}, rules=rules).contributions[0].points

    assert [worth(text) for text in ("0123456789", "0123456788", "0123456777", "9999999999")] == [9, 5, -0.5, -2]


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        pytest.param(only(HERS, "login"), MatchType.EXACT, id="exact"),
        pytest.param({"login": "anna.muelelr"}, MatchType.FUZZY, id="fuzzy"),
        pytest.param({}, MatchType.FUZZY, id="nothing agrees"),
    ],
)
def test_the_type_of_a_match_is_that_of_its_best_rule(account: dict[str, Any], expected: MatchType) -> None:
    assert scored(account).match_type is expected


def rule_set(**rule: Any) -> RuleSet:
    return RuleSet.from_json({"rules": [{"name": "r", "source": "a", "target": "b"} | rule]})


def test_phonetic_rules_sound_alike_or_differ() -> None:
    rules = rule_set(match="phonetic", algorithm="soundex", weight=3, disagreement=1, threshold=1)

    found = scored({"b": "Rupert"}, {"a": "Robert"}, rules=rules)

    assert found.match_type is MatchType.PHONETIC
    assert (found.contributions[0].words, found.contributions[0].points) == (
        "r: 'Robert' and 'Rupert' sound alike",
        1.5,
    )
    assert scored({"b": "Anna"}, {"a": "Robert"}, rules=rules).contributions[0].points == -1


def test_expressions_are_decided_by_who_can() -> None:
    rules = rule_set(match="expression", expression="same shoe size", weight=3, disagreement=1)

    def held(value: bool | None, why: str = "") -> Told:
        return Told(held={("r", ref(1), ref(100)): Held(value, why)})

    found = scored({"b": 43}, {"a": 43}, rules=rules, told=held(True))
    assert (found.match_type, found.contributions[0].points) == (MatchType.EXPRESSION, 3)
    assert found.contributions[0].words == "r: the expression holds"
    assert scored({"b": 1}, {"a": 2}, rules=rules, told=held(False)).contributions[0].points == -1
    unknown = scored({"b": 1}, {"a": 1}, rules=rules).contributions[0]
    assert (unknown.points, unknown.words) == (0, "r: the expression was not evaluated")
    failed = scored({"b": 1}, {"a": 1}, rules=rules, told=held(None, "no such key")).contributions[0]
    assert (failed.points, failed.words) == (0, "r: the expression was not evaluated: no such key")


def test_a_veto_rules_out_what_differs() -> None:
    rules = rule_set(veto=True)

    assert scored({"b": "x"}, {"a": "y"}, rules=rules).ruled_out == "r: 'y' and 'x' are different"
    assert scored({"b": "x"}, {"a": "x"}, rules=rules).ruled_out is None
    assert scored({"b": "x"}, {}, rules=rules).ruled_out is None


@pytest.mark.parametrize(
    ("login", "is_service"),
    [
        ("svc-backup", True),
        ("ADM_anna", True),
        ("ACME\\admin", True),
        ("test01@acme.example", True),
        ("anna.mueller-adm", True),
        ("no-reply", True),
        ("adam.huber", False),
        ("testa.rossa", False),
        ("rooth", False),
        ("anna.mueller", False),
    ],
)
def test_service_accounts_are_ruled_out(login: str, is_service: bool) -> None:
    assert ((scored({"login": login}).ruled_out or "").endswith("service or administration account")) is is_service


def test_a_service_identity_may_have_a_service_account() -> None:
    assert scored({"login": "svc-backup"}, {"user_name": "svc-backup"}).ruled_out is None


def test_an_account_made_after_the_person_left_is_ruled_out() -> None:
    rules = RuleSet(rules=RULES.rules, ended="end", created="made")

    assert "after the person had left" in (
        scored({"made": "2024-02-01"}, {"end": "2024-01-31"}, rules=rules).ruled_out or ""
    )
    assert scored({"made": "2024-01-31"}, {"end": "20240131"}, rules=rules).ruled_out is None
    assert scored({"made": "2024-01-31"}, {"end": None}, rules=rules).ruled_out is None


def test_a_definitive_rule_is_named() -> None:
    rules = rule_set(definitive=True)

    assert scored({"b": "x"}, {"a": "X"}, rules=rules).definitive == "r"
    assert scored({"b": "x"}, {"a": "y"}, rules=rules).definitive is None


def test_both_directions_give_the_same_score() -> None:
    account = prepare_subject(Subject(candidate().ref_id, Side.ACCOUNT, HERS), RULES)
    person = prepare_candidate(candidate(ANNA), RULES, side=Side.IDENTITY)

    backwards = score(account, person, RULES)

    assert backwards.points == scored(HERS).points
    assert backwards.contributions == scored(HERS).contributions


VALUES = {
    "login": st.sampled_from(["anna.mueller", "anna.muelelr", "bert", ["bert", "anna.mueller"], None, ""]),
    "email": st.sampled_from(["anna.mueller@acme.example", "anna.mueller@x.example", "b@acme.example", "junk", None]),
    "emp_no": st.sampled_from([42, "E-42", 43, None, []]),
    "first_name": st.sampled_from(["Anna", "Ana", "Bert", None]),
    "last_name": st.sampled_from(["Müller", "Mueller", "Huber", None]),
    "dept": st.sampled_from(["Sales", "IT", None]),
    "birth_date": st.sampled_from(["1984-03-02", "1990-01-02", "?", None]),
    "phone": st.sampled_from(["030 1234567", "99", None]),
}
ACCOUNTS = st.fixed_dictionaries({}, optional=VALUES)
relaxed = settings(deadline=None)


@relaxed
@given(ACCOUNTS, st.randoms(use_true_random=False))
def test_the_order_of_attributes_and_values_is_of_no_account(account: dict[str, Any], rng: Any) -> None:
    names = rng.sample(sorted(account), len(account))
    shuffled = {name: account[name][::-1] if isinstance(account[name], list) else account[name] for name in names}

    assert scored(shuffled).points == scored(account).points


@relaxed
@given(ACCOUNTS, st.sampled_from(["login", "email", "emp_no", "dept", "birth_date", "phone"]))
def test_agreeing_evidence_never_lowers_a_score(account: dict[str, Any], name: str) -> None:
    without = {key: value for key, value in account.items() if key != name}

    assert scored(without | {name: HERS[name]}).points >= scored(without).points
    assert scored(without | {name: HERS[name]}).points >= scored(account).points


@relaxed
@given(ACCOUNTS, st.sampled_from(sorted(VALUES)), st.sampled_from([None, "", [], [None]]))
def test_missing_evidence_is_neutral(account: dict[str, Any], name: str, nothing: Any) -> None:
    without = {key: value for key, value in account.items() if key != name}

    assert scored(without | {name: nothing}).points == scored(without).points


@relaxed
@given(ACCOUNTS)
def test_the_score_is_the_sum_of_what_is_explained(account: dict[str, Any]) -> None:
    found = scored(account)

    assert found.points == pytest.approx(RULES.base + sum(one.points for one in found.contributions))
