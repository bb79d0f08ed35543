"""From scores to a decision: what people said, what is certain, what a person must see."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.correlation.people import ANNA, HERS, NAMESAKES, RULES, candidate, identity, only, ref
from worker.correlation import NameFrequencies, RuleSet, evidence_of_pair
from worker.correlation.decide import decide
from worker.correlation.engine import correlate_one
from worker.correlation.prepare import prepare_candidate, prepare_subject
from worker.correlation.score import score
from worker.domain.correlation import (
    NOBODY,
    Candidate,
    CorrelationResult,
    Decision,
    MatchType,
    PersonDecision,
    Side,
    Subject,
    Verdict,
)

BY_NAME = only(HERS, "first_name", "last_name")


def decided(*accounts: Candidate, rules: RuleSet = RULES, **others: Any) -> CorrelationResult:
    return between(identity(), accounts, rule_set=rules, **others)


def between(
    subject: Subject, candidates: Iterable[Candidate], *, rule_set: RuleSet, **others: Any
) -> CorrelationResult:
    side = Side.ACCOUNT if subject.side is Side.IDENTITY else Side.IDENTITY
    prepared = [prepare_candidate(one, rule_set, side=side) for one in candidates]
    return correlate_one(prepare_subject(subject, rule_set), prepared, rule_set=rule_set, **others)


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        pytest.param(HERS, "auto", id="everything agrees"),
        pytest.param(
            only(HERS, "login", "email", "first_name", "last_name"), "auto", id="name and what derives from it"
        ),
        pytest.param(BY_NAME | {"login": "anna.muelelr"}, "review", id="misspelt login"),
        pytest.param(
            BY_NAME | {"login": "ana.mueller", "email": "ana.mueller@acme.example"}, "auto", id="login and mail"
        ),
        pytest.param(only(HERS, "login") | {"first_name": "Anna", "last_name": "Muler"}, "review", id="misspelt name"),
        pytest.param(
            only(HERS, "emp_no", "dept") | {"first_name": "Ana", "last_name": "Müller"}, "auto", id="number, name"
        ),
        pytest.param(only(HERS, "login") | {"first_name": "Müller", "last_name": "Anna"}, "auto", id="swapped names"),
        pytest.param(
            only(HERS, "emp_no", "birth_date") | {"first_name": "Anna", "last_name": "Schmidt"}, "auto", id="married"
        ),
        pytest.param(BY_NAME, "review", id="name alone"),
        pytest.param(BY_NAME | {"dept": "Sales"}, "review", id="name and department"),
        pytest.param(only(HERS, "login"), "review", id="login alone"),
        pytest.param(only(HERS, "email"), "review", id="mail alone"),
        pytest.param(only(HERS, "emp_no") | {"first_name": "Bert", "last_name": "Huber"}, "review", id="reused number"),
        pytest.param(only(HERS, "email") | {"first_name": "Bert", "last_name": "Huber"}, "review", id="recycled mail"),
        pytest.param(
            only(HERS, "email") | only(NAMESAKES, "emp_no", "birth_date"), "review", id="an identifier against the rest"
        ),
        pytest.param(NAMESAKES, "none", id="namesake"),
        pytest.param(only(NAMESAKES, "login", "first_name", "last_name", "dept"), "none", id="namesake by login"),
        pytest.param(BY_NAME | {"emp_no": 43}, "none", id="namesake by number"),
        pytest.param(BY_NAME | {"birth_date": "1990-11-30"}, "none", id="namesake by birth date"),
        pytest.param({"dept": "Sales"}, "none", id="colleague"),
        pytest.param(BY_NAME | {"login": "svc-mueller"}, "none", id="service account of that name"),
    ],
)
def test_decision(account: dict[str, Any], expected: str) -> None:
    found = decided(candidate(account))

    assert found.decision == expected
    assert (found.match is not None) is (expected == "auto")


def test_nobody_comes_into_question() -> None:
    found = decided()

    assert (found.decision, found.reason, found.candidates) == ("none", "nobody comes into question", ())


def test_the_right_one_is_found_among_namesakes() -> None:
    others = [candidate(NAMESAKES | {"emp_no": 50 + at}, number=at) for at in range(10)]

    found = decided(*others, candidate())

    assert found.match is not None
    assert (found.match.uid, found.match.match_type) == ("u100", MatchType.EXACT)
    assert len(found.candidates) == 3


def test_two_who_fit_equally_are_for_a_person() -> None:
    found = decided(candidate(number=100), candidate(number=101))

    assert found.decision is Decision.REVIEW
    assert found.reason == "2 come into question, the best with 50%"
    assert [one.uid for one in found.candidates] == ["u100", "u101"]


def test_the_gap_to_the_next_must_be_wide() -> None:
    rules = replace(RULES, auto_threshold=0.9)

    found = decided(candidate(), candidate(HERS | {"dept": "IT"}, number=101), rules=rules)
    close = decided(
        candidate(), candidate(HERS | {"dept": "IT"}, number=101), rules=replace(rules, auto_threshold=0.9, min_gap=4)
    )

    assert found.decision is Decision.AUTO
    assert close.decision is Decision.REVIEW
    assert close.reason.endswith("but the next one is too close")


def test_a_name_that_many_have_needs_more_beside_it() -> None:
    account = only(HERS, "first_name", "last_name", "dept") | {"login": "anna.muelelr"}
    others = [f"{letter}{letter} {letter}" for letter in "abcdefghij"] * 300
    rare = NameFrequencies.of(["Anna Huber"] * 5 + ["Berta Müller"] * 5 + others)
    common = NameFrequencies.of(["Anna Müller"] * 20 + others)

    assert decided(candidate(account), frequencies=rare).decision is Decision.AUTO
    assert decided(candidate(account), frequencies=common).decision is Decision.REVIEW
    assert decided(candidate(account | {"emp_no": 42}), frequencies=common).decision is Decision.AUTO


def test_tuning_mode_links_nobody() -> None:
    by_argument = decided(candidate(), tuning_mode=True)
    by_rules = decided(candidate(), rules=replace(RULES, tuning_mode=True))

    assert by_argument == by_rules
    assert by_argument.decision is Decision.REVIEW
    assert "tuning mode" in by_argument.reason
    assert by_argument.candidates[0].confidence > 0.995


def test_one_that_is_taken_is_for_a_person() -> None:
    found = decided(candidate(is_taken=True))

    assert found.decision is Decision.REVIEW
    assert "already has a counterpart here" in found.reason


def test_a_list_cut_short_links_only_on_an_identifier() -> None:
    by_typo = BY_NAME | {"login": "anna.muelelr"}

    assert decided(candidate(), is_truncated=True).decision is Decision.AUTO
    assert decided(candidate(by_typo), is_truncated=True).decision is Decision.REVIEW


def definitive() -> RuleSet:
    rules = [
        {"name": "badge", "source": "badge", "target": "badge", "definitive": True, "weight": 1},
        {"name": "type", "source": "type", "target": "type", "veto": True},
    ]
    return RuleSet.from_json({"rules": [*RULES.to_json()["rules"], *rules]})


def test_a_definitive_rule_settles_alone() -> None:
    subject = Subject(ref(1), Side.IDENTITY, ANNA | {"badge": "B1", "type": "employee"})

    def found(*accounts: dict[str, Any]) -> CorrelationResult:
        candidates = [candidate(account, number=at) for at, account in enumerate(accounts, 100)]
        return between(subject, candidates, rule_set=definitive())

    alone = found(NAMESAKES | {"badge": "b1"}, HERS)
    assert (alone.decision, alone.reason) == ("auto", "badge is the same, which settles it")
    assert alone.match is not None
    assert (alone.match.uid, alone.match.confidence) == ("u100", 0.995)
    twice = found({"badge": "b1"}, {"badge": "B1"})
    assert (twice.decision, twice.reason.endswith("but 2 have the same badge")) == ("review", True)
    vetoed = found({"badge": "b1", "type": "guest"})
    assert (vetoed.decision, vetoed.reason) == (
        "none",
        "nobody comes into question; ruled out: type: 'employee' and 'guest' are different",
    )


def test_what_settles_it_with_another_says_nothing_for_the_best() -> None:
    """One whose badge is somebody else's, too, is a claim that was lost; the gap to it counts like any other."""
    rules = replace(definitive(), auto_threshold=0.9, min_gap=4)
    subject = prepare_subject(Subject(ref(1), Side.IDENTITY, ANNA | {"badge": "B1"}), rules)
    accounts = [candidate({"badge": "b1"}, number=100), candidate(number=101)]
    scored = [score(subject, prepare_candidate(each, rules, side=Side.ACCOUNT), rules) for each in accounts]

    found = decide(scored, rule_set=rules, joint={accounts[0].ref_id: 0.07, accounts[1].ref_id: 0.92})

    assert [one.uid for one in found.candidates] == ["u101", "u100"]
    assert (found.decision, found.reason.endswith("but the next one is too close")) == ("review", True)


def test_what_is_ruled_out_is_told() -> None:
    found = decided(*(candidate(BY_NAME | {"login": f"svc-{at}"}, number=at) for at in range(3)))

    assert found.reason.endswith("ruled out: 'svc-0' looks like a service or administration account (and 2 more)")


def said(verdict: Verdict, *, account: int = 100, person: int = 1, evidence: Any = None) -> PersonDecision:
    identity_id = NOBODY if verdict is Verdict.NOBODY else ref(person)
    return PersonDecision(ref(account), identity_id, verdict, evidence or {})


def test_a_person_s_is_wins_over_everything() -> None:
    found = decided(candidate(NAMESAKES), candidate(number=101), decisions=[said(Verdict.IS)], tuning_mode=True)

    assert found.match is not None
    assert (found.match.uid, found.match.confidence, found.match.match_type) == ("u100", 1.0, MatchType.MANUAL)
    assert found.match.contributions


def test_a_person_s_is_wins_when_no_key_leads_there() -> None:
    found = decided(decisions=[said(Verdict.IS)])

    assert found.match is not None
    assert (found.match.ref_id, found.match.uid, found.match.contributions) == (ref(100), None, ())


@pytest.mark.parametrize(
    "decision",
    [
        pytest.param(said(Verdict.IS_NOT), id="is not"),
        pytest.param(said(Verdict.NOBODY), id="nobody's"),
        pytest.param(said(Verdict.IS, person=2), id="another's"),
    ],
)
def test_what_a_person_excluded_stays_excluded(decision: PersonDecision) -> None:
    found = decided(candidate(), decisions=[decision])

    assert found.decision is Decision.NONE
    assert found.reason == "nobody comes into question; 1 excluded by a person's decision"


def test_decisions_about_others_are_of_no_account() -> None:
    decisions = [said(Verdict.IS_NOT, person=2), said(Verdict.IS_NOT, account=7)]

    assert decided(candidate(), decisions=decisions).decision is Decision.AUTO


def account_decided(*decisions: PersonDecision) -> CorrelationResult:
    owner = Candidate(ref(1), ANNA, name="Anna Müller")
    return between(Subject(ref(100), Side.ACCOUNT, HERS), [owner], rule_set=RULES, decisions=decisions)


def test_an_account_finds_its_owner_unless_people_said_otherwise() -> None:
    nobodys = account_decided(said(Verdict.NOBODY))

    assert account_decided().decision is Decision.AUTO
    assert (nobodys.decision, nobodys.reason) == ("none", "a person decided that this account belongs to nobody")
    assert account_decided(said(Verdict.IS_NOT)).decision is Decision.NONE
    assert account_decided(said(Verdict.IS_NOT, account=7)).decision is Decision.AUTO
    elsewhere = account_decided(said(Verdict.IS, person=2))
    assert elsewhere.match is not None
    assert elsewhere.match.ref_id == ref(2)


@pytest.mark.parametrize("verdict", [Verdict.IS, Verdict.IS_NOT])
@pytest.mark.parametrize("account", [pytest.param(HERS, id="fits"), pytest.param(NAMESAKES, id="does not fit")])
def test_a_decision_whose_evidence_changed_comes_back_to_a_person(verdict: Verdict, account: dict[str, Any]) -> None:
    before = evidence_of_pair(ANNA, account | {"dept": "Research"}, RULES)

    found = decided(candidate(account), decisions=[said(verdict, evidence=before)])

    assert found.decision is Decision.REVIEW
    assert found.reason.endswith("the evidence changed since: department")


@pytest.mark.parametrize("verdict", [Verdict.IS, Verdict.IS_NOT])
def test_a_decision_whose_evidence_is_the_same_holds(verdict: Verdict) -> None:
    evidence = evidence_of_pair(ANNA, HERS | {"shoe_size": 42, "login": "ANNA.MUELLER"}, RULES)

    found = decided(candidate(), decisions=[said(verdict, evidence=evidence)])

    assert found.decision == ("auto" if verdict is Verdict.IS else "none")
    assert account_decided(said(verdict, evidence=evidence)).decision == found.decision


def test_an_account_that_was_nobodys_comes_back_when_it_changed() -> None:
    before = evidence_of_pair(None, HERS | {"dept": "Research"}, RULES)

    found = account_decided(said(Verdict.NOBODY, evidence=before))

    assert found.decision is Decision.REVIEW
    assert found.reason.endswith("a person decided about this, and the evidence changed since: department")
    assert account_decided(said(Verdict.NOBODY, evidence=evidence_of_pair(None, HERS, RULES))).decision == "none"


def test_other_rules_and_what_an_account_lacks_are_no_other_evidence() -> None:
    """Who looks at an account live sees more of it than what was recorded."""
    weighed = replace(RULES, rules=tuple(replace(each, weight=1.0) for each in RULES.rules))
    lacking = {name: value for name, value in HERS.items() if name != "dept"}
    renamed = replace(RULES, rules=tuple(replace(each, source=f"{each.source} | badge") for each in RULES.rules))

    for rules, then in ((weighed, HERS), (RULES, lacking), (renamed, NAMESAKES)):
        before = evidence_of_pair(ANNA, then, rules)
        assert decided(candidate(), decisions=[said(Verdict.IS_NOT, evidence=before)]).decision == "none"


def test_a_result_tells_the_version_of_its_rules() -> None:
    assert decided(candidate(), rules=replace(RULES, version=7)).rule_set_version == 7
