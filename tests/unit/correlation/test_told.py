"""What hooks say is a voice among the rules: it tips, it rules out, it never decides."""

from dataclasses import replace
from math import log
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.correlation.people import ANNA, HERS, RULES, ref
from tests.unit.correlation.voices import tellings
from worker.correlation import RuleSet, Told, Word, correlate_many, folded, keys_of_words
from worker.correlation.prepare import Prepared, prepare_candidate, prepare_subject
from worker.correlation.told import FOR_KEY, MOST, UNTOLD, lacking, opinion_of, points_of_score, texts_of_person
from worker.domain.correlation import (
    Candidate,
    CorrelationResult,
    Decision,
    PersonDecision,
    Side,
    Subject,
    Verdict,
)
from worker.domain.errors import HookError
from worker.domain.hook import Correlated, FailurePolicy

#: By its name alone an account is hers with 88 %: what the rules ask a person about.
BY_NAME = RuleSet.from_json(
    {
        "rules": [
            {"name": "name", "source": "family_name", "target": "sn", "weight": 8, "blocking": False},
            {"name": "number", "source": "number", "target": "number", "weight": 4, "disagreement": 1},
        ],
        "base": -6,
    }
)
PERSON = {"id": str(ref(1)), "external_id": "4711", "user_name": "anna", "family_name": "Müller", "number": "0815"}
ACCOUNT = {"sn": "Muller", "cn": "x-4711"}
HOOK = "contractors (version 3)"


def account(attributes: dict[str, Any] = ACCOUNT) -> Prepared:
    return prepare_subject(Subject(ref(100), Side.ACCOUNT, attributes), BY_NAME)


def person(**others: Any) -> Prepared:
    return prepare_candidate(Candidate(ref(1), {**PERSON, **others}), BY_NAME, side=Side.IDENTITY)


def decided(
    *words: Word,
    attributes: dict[str, Any] = ACCOUNT,
    people: tuple[dict[str, Any], ...] = (PERSON,),
    rules: RuleSet = BY_NAME,
    decisions: tuple[PersonDecision, ...] = (),
) -> CorrelationResult:
    """One account against people 1, 2, …, each of whom a hook has brought in."""
    candidates = [Candidate(ref(number), each, name=f"p{number}") for number, each in enumerate(people, 1)]
    told = Told({ref(100): words}, named=frozenset(each.ref_id for each in candidates))
    [found] = correlate_many(
        [Subject(ref(100), Side.ACCOUNT, attributes)],
        candidates,
        rule_set=rules,
        told={ref(100): told},
        decisions=decisions,
    )
    return found


def said(**what: Any) -> Word:
    return Word(HOOK, Correlated(**what))


@pytest.mark.parametrize(
    ("score", "points"),
    [
        pytest.param(0.5, 0.0, id="nothing"),
        pytest.param(0.9, log(9), id="log odds"),
        pytest.param(0.1, -log(9), id="against"),
        pytest.param(1, MOST, id="sure"),
        pytest.param(0, -MOST, id="surely not"),
        pytest.param(0.9999999, MOST, id="at most so much"),
    ],
)
def test_a_score_is_log_odds_with_a_cap(score: float, points: float) -> None:
    assert points_of_score(score) == pytest.approx(points)


def test_all_hooks_together_have_one_cap_and_each_is_named() -> None:
    sure = Correlated(score={str(ref(1)): 1.0})

    opinion = opinion_of([Word("a (version 1)", sure), Word("b (version 2)", sure)], person(), account(), BY_NAME)

    assert opinion.points == MOST
    assert [(one.rule, one.points) for one in opinion.contributions] == [
        ("hook a (version 1)", MOST / 2),
        ("hook b (version 2)", MOST / 2),
    ]
    assert opinion.contributions[0].words == "hook a (version 1): a score of 1"


@pytest.mark.parametrize(
    ("word", "points", "words"),
    [
        pytest.param(said(keys=("4711",)), FOR_KEY, "named by '4711'", id="external id"),
        pytest.param(said(keys=("ANNA", "4711")), FOR_KEY, "named by 'ANNA'", id="the first that fits, folded"),
        pytest.param(said(keys=("mueller",)), 0.0, "named by 'mueller', as the rules know", id="what a rule reads"),
        pytest.param(said(match={"external_id": 4711}), FOR_KEY, "named by '4711'", id="match of what nobody shares"),
        pytest.param(said(match={"family_name": ["Huber", "Müller"]}), 0.0, "as wanted", id="match of a common value"),
        pytest.param(said(match={"family_name": "Huber"}), 0.0, "family_name is to be 'Huber'", id="match that lacks"),
    ],
)  # fmt: skip
def test_keys_name_and_match_only_rules_out(word: Word, points: float, words: str) -> None:
    opinion = opinion_of([word], person(), account(), BY_NAME)

    assert (opinion.points, words in opinion.contributions[0].words) == (points, True)


def test_a_key_that_somebody_else_has_says_nothing() -> None:
    assert (
        opinion_of([said(keys=("4712",)), said(score={"other": 1.0}), said()], person(), account(), BY_NAME).points == 0
    )


def test_of_a_hook_that_may_see_secrets_no_text_is_told() -> None:
    word = replace(said(keys=("4711",)), is_discreet=True)
    wanting = replace(said(match={"external_id": "hunter2"}), is_discreet=True)

    assert opinion_of([word], person(), account(), BY_NAME).contributions[0].words == f"hook {HOOK}: {UNTOLD}"
    assert "hunter2" not in str(opinion_of([wanting], person(), account(), BY_NAME))


def test_what_a_match_wants_is_told_with_what_is_missing() -> None:
    assert lacking({"external_id": ["1", "4711"], "nickname": None}, PERSON) is None
    assert lacking({"family_name": None}, PERSON) == "family_name is to have no value"
    assert lacking({"nickname": "Anni"}, PERSON) == "nickname is to be 'Anni'"


def test_people_are_found_by_their_names_and_by_what_rules_read() -> None:
    assert texts_of_person({**PERSON, "shoes": "43"}, BY_NAME) == {"4711", "anna", "muller", "0815"}
    assert keys_of_words([said(keys=(" A-1 ",)), said(match={"x": [7, "b"]}), Word(HOOK, HookError("no"))]) == {
        "A-1",
        "7",
        "b",
    }
    assert folded(["Ä", " "]) == {"a"}


def test_a_hook_tips_what_the_rules_would_ask_about() -> None:
    without, found = decided(), decided(said(keys=("4711",)))

    assert (without.decision, found.decision) == (Decision.REVIEW, Decision.AUTO)
    assert found.match is not None
    assert found.match.contributions[-1].words == f"hook {HOOK}: named by '4711'"
    assert decided(said(score={str(ref(1)): 0.0})).decision is Decision.NONE


def test_match_filters_out_a_namesake() -> None:
    namesake = {**PERSON, "external_id": "4712", "user_name": "anna2", "number": "1"}
    both = PERSON, namesake

    without, found = decided(people=both), decided(said(match={"external_id": "4711"}), people=both)

    assert (without.decision, found.decision) == (Decision.REVIEW, Decision.AUTO)
    assert found.match is not None
    assert found.match.ref_id == ref(1)
    assert "ruled out: hook contractors (version 3): external_id is to be '4711'" in found.reason


def test_where_no_rule_agrees_a_hook_is_no_reason_to_link() -> None:
    """However willing the thresholds are."""
    eager = replace(BY_NAME, auto_threshold=0.5, base=-0.5)
    nothing_alike = {**PERSON, "family_name": "Huber"}

    found = decided(said(keys=("4711",)), people=(nothing_alike,), rules=replace(eager, rules=eager.rules[1:]))

    assert found.decision is Decision.REVIEW
    assert found.reason.endswith("but no rule agrees, only a hook does")


def test_a_hook_does_not_turn_the_rules_to_another() -> None:
    certain = replace(BY_NAME, slope=0.3, auto_threshold=0.6, min_gap=0.1)
    other = {**PERSON, "external_id": "1", "user_name": "b", "number": "7"}
    attributes = {"sn": "Müller", "number": "0815"}

    found = decided(
        said(score={str(ref(1)): 0.0, str(ref(2)): 1.0}), attributes=attributes, people=(PERSON, other), rules=certain
    )

    assert decided(attributes=attributes, people=(PERSON, other), rules=certain).decision is Decision.AUTO
    assert found.decision is Decision.REVIEW
    assert found.reason.endswith("but the rules alone say that it is another")


@pytest.mark.parametrize(
    ("policy", "decision"),
    [
        pytest.param(FailurePolicy.FAIL, Decision.REVIEW, id="fail"),
        pytest.param(FailurePolicy.QUARANTINE, Decision.REVIEW, id="quarantine"),
        pytest.param(FailurePolicy.SKIP_HOOK, Decision.NONE, id="skip_hook"),
    ],
)
def test_a_hook_that_failed_is_told_and_where_it_is_needed_a_person_is_asked(
    policy: FailurePolicy, decision: Decision
) -> None:
    found = decided(Word(HOOK, HookError("key error"), policy), people=())

    assert found.decision is decision
    assert f"the hook {HOOK}" in found.reason
    assert "failed: key error" in found.reason


def test_what_a_person_said_needs_no_hook() -> None:
    broken = Word(HOOK, HookError("key error"))
    against = said(match={"external_id": "nobody"})

    hers = decided(broken, against, decisions=(PersonDecision(ref(100), ref(1), Verdict.IS),))
    not_hers = decided(said(keys=("4711",)), decisions=(PersonDecision(ref(100), ref(1), Verdict.IS_NOT),))
    nobodys = decided(broken, decisions=(PersonDecision(ref(100), ref(0), Verdict.NOBODY),))

    assert (hers.decision, not_hers.decision, nobodys.decision) == (Decision.AUTO, Decision.NONE, Decision.NONE)


THRESHOLDS = st.sampled_from([0.3, 0.6, 0.995])
SETS = st.builds(
    lambda rules, auto, review, base, slope: replace(
        rules, auto_threshold=max(auto, review), review_threshold=review, base=base, slope=slope, min_gap=0.5
    ),
    st.sampled_from([RULES, BY_NAME]),
    THRESHOLDS,
    st.sampled_from([0.01, 0.1, 0.5]),
    st.sampled_from([-8.5, -2.0, -0.1]),
    st.sampled_from([0.4, 1.0, 3.0]),
)
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {"user_name": st.sampled_from(["anna.mueller", "bert"]), "external_id": st.sampled_from(["1", "4711"])},
        optional={name: st.sampled_from([value, "somebody"]) for name, value in ANNA.items() if name != "user_name"},
    ),
    max_size=3,
)
ACCOUNTS = st.lists(
    st.fixed_dictionaries({}, optional={name: st.sampled_from([value, "Sales"]) for name, value in HERS.items()}),
    min_size=1,
    max_size=3,
)


@settings(deadline=None, max_examples=60)
@given(PEOPLE, ACCOUNTS, SETS, tellings(people=3, accounts=3, fails=True), st.booleans())
def test_no_hook_links_what_the_rules_would_not_ask_about(
    people: list[dict[str, Any]], accounts: list[dict[str, Any]], rules: RuleSet, told: Told, says_is_not: bool
) -> None:
    candidates = [Candidate(ref(1 + place), each) for place, each in enumerate(people)]
    subjects = [Subject(ref(100 + place), Side.ACCOUNT, each) for place, each in enumerate(accounts)]
    everybody = frozenset(each.ref_id for each in candidates)
    refused = [PersonDecision(ref(100), ref(1), Verdict.IS_NOT)] if says_is_not else []
    heard = {each.ref_id: replace(told, named=everybody) for each in subjects}
    silent = {each.ref_id: Told(held=told.held, named=everybody) for each in subjects}

    found = correlate_many(subjects, candidates, rule_set=rules, decisions=refused, told=heard)

    without = correlate_many(subjects, candidates, rule_set=rules, decisions=refused, told=silent)
    for subject, result in zip(subjects, found, strict=True):
        is_lost = any(word.is_needed for word in told.failures(subject.ref_id))
        assert not (is_lost and result.decision is not Decision.REVIEW)
    for subject, result, before in zip(subjects, found, without, strict=True):
        if result.match is None or (before.match is not None and before.match.ref_id == result.match.ref_id):
            continue
        [alone] = correlate_many([subject], candidates, rule_set=rules, decisions=refused, told=silent)
        agreeing = [one for one in result.match.contributions if not one.rule.startswith("hook ") and one.points > 0]
        assert alone.decision is Decision.AUTO or (alone.decision is Decision.REVIEW and agreeing)
        if alone.match is not None:
            assert alone.match.ref_id == result.match.ref_id
        assert not (says_is_not and (subject.ref_id, result.match.ref_id) == (ref(100), ref(1)))


@settings(deadline=None, max_examples=25)
@given(PEOPLE, ACCOUNTS, SETS)
def test_none_changes_nothing(people: list[dict[str, Any]], accounts: list[dict[str, Any]], rules: RuleSet) -> None:
    candidates = [Candidate(ref(1 + place), each) for place, each in enumerate(people)]
    subjects = [Subject(ref(100 + place), Side.ACCOUNT, each) for place, each in enumerate(accounts)]
    nothing = {each.ref_id: Told({each.ref_id: (Word(HOOK, Correlated()),)}) for each in subjects}

    without = correlate_many(subjects, candidates, rule_set=rules)

    assert correlate_many(subjects, candidates, rule_set=rules, told=nothing) == without
