"""What two rule sets say of accounts whose owners are known."""

from typing import Any
from uuid import UUID

import pytest

from worker.correlation import Past, RuleSet, added_counts, calibration_error, figures, replay_rules, sampled_flips
from worker.correlation.replay import SAMPLES, binned
from worker.domain.correlation import NOBODY, Candidate, Side, Subject

NUMBER: dict[str, Any] = {"name": "number", "source": "number", "target": "number", "definitive": True}
MAIL: dict[str, Any] = {"name": "mail", "source": "mail", "target": "mail", "definitive": True}
BY_NUMBER = RuleSet.from_json({"rules": [NUMBER]})
BY_MAIL = RuleSet.from_json({"rules": [MAIL]})
ANNA, BERT = (UUID(int=n) for n in (1, 2))
PEOPLE = [
    Candidate(ANNA, {"number": "1", "mail": "anna@x"}, name="anna", is_taken=True),
    Candidate(BERT, {"number": "2", "mail": "bert@x"}, name="bert"),
]


def account(number: str, mail: str, owner: UUID | None, *, refused: UUID | None = None, is_word: bool = True) -> Past:
    subject = Subject(UUID(int=9), Side.ACCOUNT, {"number": number, "mail": mail}, uid="u9")
    return Past(subject, owner, frozenset({refused} if refused else ()), is_word)


@pytest.mark.parametrize(
    ("past", "kind", "contradictions"),
    [
        pytest.param(account("1", "bert@x", ANNA), "auto_to_another", 1, id="linked to another than the person said"),
        pytest.param(account("1", "zoe@x", ANNA), "auto_to_none", 1, id="the named owner is not even asked about"),
        pytest.param(account("3", "anna@x", NOBODY), "none_to_auto", 1, id="linked though nobody's"),
        pytest.param(account("3", "anna@x", None, refused=ANNA), "none_to_auto", 1, id="linked to who was refused"),
        pytest.param(account("3", "anna@x", None, refused=BERT), "none_to_auto", 0, id="linked to who was not refused"),
        pytest.param(account("3", "anna@x", ANNA), "none_to_auto", 0, id="found at last"),
        pytest.param(account("1", "bert@x", ANNA, is_word=False), "auto_to_another", 0, id="a link is no word"),
    ],
)
def test_a_flip_is_held_against_what_was_said(past: Past, kind: str, contradictions: int) -> None:
    found = replay_rules([past], PEOPLE, before=BY_NUMBER, after=BY_MAIL)

    assert found.counts["flips"] == {kind: 1}
    assert found.counts["new_contradictions"] == contradictions
    assert [(each["kind"], each["is_contradiction"]) for each in found.flips] == [(kind, bool(contradictions))]


def test_who_contradicts_people_already_is_not_told_of_it_anew() -> None:
    found = replay_rules([account("1", "anna@x", BERT)], PEOPLE, before=BY_NUMBER, after=BY_MAIL)

    assert (found.counts["new_contradictions"], found.flips) == (0, [])
    assert (found.counts["before"]["contradictions"], found.counts["after"]["contradictions"]) == (1, 1)


def test_figures_are_those_of_both_rule_sets_and_add_up_over_pages() -> None:
    pages = [
        replay_rules([each], PEOPLE, before=BY_NUMBER, after=BY_MAIL).counts
        for each in (account("1", "anna@x", ANNA), account("2", "anna@x", BERT), account("4", "4@x", BERT))
    ]
    counts = added_counts(added_counts({}, added_counts(pages[0], pages[1])), pages[2])

    told = figures(counts)
    assert (counts["accounts"], counts["after"]["right"], counts["after"]["wrong"]) == (3, 1, 1)
    assert (told["before"]["precision"], told["after"]["precision"]) == (1.0, 0.5)
    assert told["before"]["share_linked"] == pytest.approx(2 / 3, abs=1e-6)
    assert figures({})["before"] == {"precision": None, "share_linked": None, "ece": None}


def test_tuning_mode_is_looked_through() -> None:
    tuning = RuleSet.from_json({"rules": [NUMBER], "tuning_mode": True})

    assert replay_rules([account("1", "1@x", ANNA)], PEOPLE, before=BY_NUMBER, after=tuning).counts["flips"] == {}


def test_calibration_is_how_far_confidence_is_from_the_truth() -> None:
    assert calibration_error(binned([(0.9, True)] * 9 + [(0.9, False)])) == pytest.approx(0)
    assert calibration_error(binned([(0.8, False), (1.0, True)])) == pytest.approx(0.4)
    assert calibration_error([]) is None


def test_flips_against_people_are_shown_first_and_of_each_kind_some() -> None:
    plain = [{"kind": "none_to_auto", "is_contradiction": False}] * (SAMPLES + 5)
    against = [{"kind": "none_to_auto", "is_contradiction": True}]

    kept = sampled_flips(plain, against)
    assert (kept[0]["is_contradiction"], len(kept)) == (True, SAMPLES + 1)
