"""Tables correlated as columns come out as ``correlate_many`` decides: the same links, doubts and probabilities."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worker.correlation import NameFrequencies, RuleSet, correlate_many
from worker.correlation.columns import Outcome, Reason, Table, correlate_columns, cut, judge, memo
from worker.correlation.evidence import evidence
from worker.correlation.rules import MatchKind, Rule
from worker.correlation.similarity import Algorithm
from worker.domain.correlation import (
    NOBODY,
    Candidate,
    CorrelationResult,
    Decision,
    PersonDecision,
    Side,
    Subject,
    Verdict,
)

NAMES = ["Anna", "Müller", "Mueller", "Miller", "A", "Jan", "Jan Peter", "Janpeter", "Maria", "Dr. Marie", "Mitzi",
         "Ott", "Otto", ""]  # fmt: skip
LOGINS = [
    "anna.muller",
    "anna_muller",
    "anna.m.muller",
    "amuller",
    "muller.anna",
    "jan",
    "jna",
    "svc-jan",
    "otto2",
    "otto3",
    "maria.miller",
    "",
]
ADDRESSES = [f"{login}@{domain}" for login in LOGINS[:-1] for domain in ("a.example", "b.example")]
ALGORITHMS = [each for each in Algorithm if each not in {Algorithm.SOUNDEX, Algorithm.METAPHONE}]


def person(number: int) -> UUID:
    return UUID(int=1_000 + number)


def account(number: int) -> UUID:
    return UUID(int=2_000 - number)


RECORDS = st.fixed_dictionaries(
    {
        "given": st.sampled_from(NAMES),
        "family": st.sampled_from(NAMES),
        "full": st.one_of(
            st.none(), st.sampled_from([f"{one}, {other}" for one in NAMES[:4] for other in NAMES[5:10]])
        ),
        "login": st.sampled_from(LOGINS),
        "mail": st.one_of(st.sampled_from(["", *ADDRESSES]), st.lists(st.sampled_from(ADDRESSES), max_size=3)),
        "number": st.sampled_from(["", "E-7", "0007", "8", "9"]),
        "born": st.sampled_from(["", "1990-01-02", "2.1.1990", "1991-05-05"]),
        "moment": st.sampled_from(["", "2020-01-01", "2021-06-01"]),
    }
)


@st.composite
def rule_sets(draw: st.DrawFn) -> RuleSet:
    """Rules as people write them, with weights that let any decision come out."""
    fuzzy = draw(st.sampled_from(ALGORITHMS))
    loud = draw(st.sampled_from(sorted({Algorithm.SOUNDEX, Algorithm.METAPHONE})))
    weight = st.sampled_from([0.0, 2.0, 4.5, 9.0])
    rules = [
        Rule("number", "number", "number", weight=draw(weight), tier=1, definitive=draw(st.booleans()),
             normalize=("employee_number",), veto=draw(st.booleans())),
        Rule("mail", "mail", "mail", MatchKind.FUZZY, fuzzy, weight=draw(weight), tier=1, normalize=("email",),
             group="g"),
        Rule("login", "login", "login", MatchKind.FUZZY, draw(st.sampled_from(ALGORITHMS)), weight=draw(weight),
             normalize=draw(st.sampled_from([("login",), ()])), group="g", typos_in_digits=draw(st.booleans()),
             threshold=draw(st.sampled_from([0.2, 0.86, 1.0])),
             levels=draw(st.sampled_from([(), ((0.9, 3.0), (0.5, 0.0)), ((0.8, -1.0), (0.0, 1.0))]))),
        Rule("name", "given+family | full", "given+family | full", MatchKind.FUZZY, Algorithm.TOKEN_SORT,
             weight=draw(weight), normalize=("name",), group=draw(st.sampled_from(["g", ""])), by_frequency=True),
        Rule("sound", "family", "family", MatchKind.PHONETIC, loud, weight=2.0),
        Rule("born", "born", "born", weight=draw(weight), normalize=("date",)),
        Rule("asked", "login", "login", MatchKind.EXPRESSION, expression="true"),
    ]  # fmt: skip
    return RuleSet(
        rules=tuple(rule for rule in rules if draw(st.integers(0, 5))),
        base=draw(st.sampled_from([-8.5, -3.0, -1.0])),
        min_gap=draw(st.sampled_from([0.0, 3.0])),
        auto_threshold=draw(st.sampled_from([0.6, 0.93])),
        service_source="login | mail",
        service_target="login",
        ended="moment",
        created="moment",
    )


#: In place of what a decision rests on: the first records, as the rules read them.
KEPT: dict[str, Any] = {"kept": {}}


@st.composite
def words(draw: st.DrawFn) -> list[PersonDecision]:
    found = []
    for _ in range(draw(st.integers(0, 3))):
        verdict = draw(st.sampled_from(list(Verdict)))
        identity = NOBODY if verdict is Verdict.NOBODY else person(draw(st.integers(0, 7)))
        then: dict[str, Any] = draw(st.sampled_from([{}, KEPT]))
        found.append(PersonDecision(account(draw(st.integers(0, 7))), identity, verdict, then))
    return found


def as_columns(records: list[dict[str, Any]], ids: list[UUID], taken: list[bool] | None = None) -> Table:
    return Table(ids, {name: [record[name] for record in records] for name in records[0]}, taken)


def differences(outcome: Outcome, results: list[CorrelationResult], ids: list[UUID]) -> list[Any]:
    return [
        (place, outcome.decision(place), Reason(outcome.reasons[place]), outcome.candidates(place), result)
        for place, result in enumerate(results)
        if not is_same(outcome, place, result, ids)
    ]


def is_same(outcome: Outcome, place: int, result: CorrelationResult, ids: list[UUID]) -> bool:
    if outcome.decision(place) is not result.decision:
        return False
    if place in outcome.told:
        return result.match is not None and result.match.ref_id == outcome.told[place]
    if not result.candidates:
        return True
    best = result.candidates[0]
    if outcome.confidences[place] != pytest.approx(best.confidence, abs=1e-5):
        return False
    shown = {ids[each]: sure for each, sure in outcome.candidates(place)}
    likely = [each for each in result.candidates[1:] if each.confidence > 1e-3]
    known = all(shown.get(each.ref_id) == pytest.approx(each.confidence, abs=1e-5) for each in likely)
    return known and (best.confidence < 1e-6 or ids[outcome.best[place]] == best.ref_id)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    people=st.lists(RECORDS, min_size=1, max_size=8),
    accounts=st.lists(RECORDS, min_size=1, max_size=8),
    rule_set=rule_sets(),
    decisions=words(),
    taken=st.lists(st.booleans(), min_size=8, max_size=8),
    counted=st.booleans(),
    of_accounts=st.booleans(),
    is_many=st.booleans(),
)
def test_columns_decide_what_records_decide(
    people: list[dict[str, Any]],
    accounts: list[dict[str, Any]],
    rule_set: RuleSet,
    decisions: list[PersonDecision],
    taken: list[bool],
    counted: bool,
    of_accounts: bool,
    is_many: bool,
) -> None:
    frequencies = NameFrequencies.of([f"{each['given']} {each['family']}" for each in people]) if counted else None
    kept = evidence(people[0], accounts[0], rule_set)
    decisions = [replace(each, evidence=kept) if each.evidence is KEPT else each for each in decisions]
    sides = {True: (people, [person(at) for at in range(len(people))]),
             False: (accounts, [account(at) for at in range(len(accounts))])}  # fmt: skip
    asked, others = sides[not of_accounts], sides[of_accounts]
    side = Side.ACCOUNT if of_accounts else Side.IDENTITY
    is_taken = taken[: len(others[0])]

    with pytest.MonkeyPatch.context() as patch:
        if is_many:  # what these few records are compared by when they are among many
            patch.setattr(judge, "FEW", 0)
            patch.setattr(memo, "REMEMBERED", 8)
            patch.setattr(cut, "TOGETHER", 3)
        outcome = correlate_columns(
            as_columns(*asked), as_columns(*others, is_taken), rule_set=rule_set, of_accounts=of_accounts,
            decisions=decisions, frequencies=frequencies,
        )  # fmt: skip
    results = correlate_many(
        [Subject(ref_id, side, record) for record, ref_id in zip(*asked, strict=True)],
        [Candidate(ref, record, is_taken=each) for record, ref, each in zip(*others, is_taken, strict=True)],
        rule_set=rule_set, decisions=decisions, frequencies=frequencies,
    )  # fmt: skip

    assert differences(outcome, results, others[1]) == []


def test_nobody_is_found_in_empty_tables_and_without_rules() -> None:
    empty = Table([], {"login": []})
    one = Table([person(1)], {"login": ["anna"]})
    rules = RuleSet((Rule("login", "login", "login"),))

    assert len(correlate_columns(empty, one, rule_set=rules).decisions) == 0
    assert correlate_columns(one, empty, rule_set=rules).decision(0) is Decision.NONE
    assert correlate_columns(one, one, rule_set=RuleSet()).decision(0) is Decision.NONE


def test_a_name_that_too_many_have_leads_to_nobody_and_a_rare_login_does() -> None:
    """The limit of a block counts as it does one by one."""
    names = {"given": "Anna", "family": "Müller", "full": None, "mail": "", "number": "", "born": "", "moment": ""}
    people = [names | {"login": f"anna{chr(97 + at // 26)}{chr(97 + at % 26)}"} for at in range(60)]
    accounts = [people[7], people[9] | {"login": ""}, people[3] | {"login": "annxad"}]
    rules = RuleSet(
        (
            Rule("login", "login", "login", MatchKind.FUZZY, Algorithm.OSA, weight=9, normalize=("login",)),
            Rule("name", "given+family", "given+family", MatchKind.FUZZY, Algorithm.TOKEN_SORT, normalize=("name",)),
        )
    )
    ids = [person(at) for at in range(60)]

    outcome = correlate_columns(
        as_columns(accounts, [account(at) for at in range(3)]), as_columns(people, ids), rule_set=rules
    )
    results = correlate_many(
        [Subject(account(at), Side.ACCOUNT, each) for at, each in enumerate(accounts)],
        [Candidate(ref, each) for ref, each in zip(ids, people, strict=True)],
        rule_set=rules,
    )

    assert differences(outcome, results, ids) == []
    assert [bool(outcome.candidates(place)) for place in range(3)] == [True, False, True]
