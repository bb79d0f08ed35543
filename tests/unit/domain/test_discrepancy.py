"""Findings and what is suggested for them."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from worker.domain.discrepancy import (
    Discrepancy,
    DiscrepancyType,
    Finding,
    RepairAction,
    RepairDirection,
    Resolution,
    Suggestion,
    finding_key,
)

BARE = Suggestion(RepairAction.DELETE, RepairDirection.TO_TARGET, "nobody owns it")
LINK = Suggestion(RepairAction.LINK, RepairDirection.TO_IDENTITY, "same mail", UUID(int=5), {"confidence": 1})


@pytest.mark.parametrize("suggestion", [pytest.param(BARE, id="bare"), pytest.param(LINK, id="with a match")])
def test_a_suggestion_comes_back_as_it_was_stored(suggestion):
    assert Suggestion.from_json(suggestion.as_json()) == suggestion


def test_a_suggestion_is_stored_without_what_it_lacks():
    assert BARE.as_json() == {"action": "delete", "direction": "xavyo_to_target", "reason": "nobody owns it"}


@pytest.mark.parametrize("kind", DiscrepancyType)
def test_kinds_are_told_apart_in_the_key_of_a_finding(kind):
    assert finding_key(kind, "u1") == f"{kind.value}:u1"


def test_a_discrepancy_is_of_the_kind_of_its_finding():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    found = Finding(DiscrepancyType.ORPHAN, "orphan:u1", "nobody")
    stored = Discrepancy(UUID(int=1), UUID(int=2), UUID(int=3), found, Resolution.PENDING, now, now, UUID(int=3))

    assert stored.type is DiscrepancyType.ORPHAN
