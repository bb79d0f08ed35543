"""Results of correlation as they are stored and shown."""

import json
from uuid import UUID

from worker.domain.correlation import (
    Candidate,
    Contribution,
    CorrelationMatch,
    CorrelationResult,
    Decision,
    MatchKey,
    MatchType,
    PersonDecision,
    Side,
    Subject,
    Verdict,
)

ANNA = UUID(int=1)


def test_a_result_becomes_json() -> None:
    contribution = Contribution("email", 9.8765, "email: 'a@b.c' on both sides", "a@b.c", "a@b.c")
    match = CorrelationMatch(ANNA, 0.99712345678, MatchType.EXACT, (contribution,), uid="u1", name="Anna")

    found = CorrelationResult(Decision.AUTO, "99.71% sure", match, (match,), rule_set_version=3).to_json()

    shown = {
        "ref_id": str(ANNA),
        "uid": "u1",
        "name": "Anna",
        "confidence": 0.997123,
        "match_type": "exact",
        "contributions": [
            {
                "rule": "email",
                "points": 9.88,
                "words": "email: 'a@b.c' on both sides",
                "source_value": "a@b.c",
                "target_value": "a@b.c",
            }
        ],
    }
    assert json.loads(json.dumps(found)) == {
        "decision": "auto",
        "reason": "99.71% sure",
        "match": shown,
        "candidates": [shown],
        "rule_set_version": 3,
    }


def test_no_match_is_null() -> None:
    assert CorrelationResult(Decision.NONE, "nobody").to_json() == {
        "decision": "none",
        "reason": "nobody",
        "match": None,
        "candidates": [],
        "rule_set_version": None,
    }


def test_what_goes_in_has_calm_defaults() -> None:
    assert Subject(ANNA, Side.IDENTITY, {}).wanted == {}
    assert not Candidate(ANNA, {}).is_taken
    assert PersonDecision(ANNA, ANNA, Verdict.IS).evidence == {}
    assert MatchKey("email", 1) == MatchKey("email", 1)
