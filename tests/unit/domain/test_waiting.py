from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from worker.domain.waiting import Blocker, Standstill, WaitsFor, waits_for

HEAD, CASE, APPROVAL, CONFLICT, TARGET = (UUID(int=n) for n in range(1, 6))
LATER = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param({"status": "in_progress"}, None, id="it runs"),
        pytest.param({"status": "pending"}, WaitsFor(Blocker.WORKER), id="nothing in its way"),
        pytest.param(
            {"status": "pending", "head": False, "head_id": HEAD, "ahead": 3},
            WaitsFor(Blocker.OPERATION, HEAD, ahead=3),
            id="others of its account",
        ),
        pytest.param(
            {"status": "pending", "closed": "breaker"},
            WaitsFor(Blocker.TARGET, TARGET, reason="breaker"),
            id="a closed target",
        ),
        pytest.param(
            {"status": "pending", "head": False, "head_id": HEAD, "ahead": 1, "closed": "breaker"},
            WaitsFor(Blocker.OPERATION, HEAD, ahead=1),
            id="its lane comes first",
        ),
        pytest.param(
            {"status": "awaiting_system", "wait_reason": "case", "case_id": CASE},
            WaitsFor(Blocker.CASE, CASE, reason="case"),
            id="a case",
        ),
        pytest.param(
            {
                "status": "awaiting_system",
                "wait_reason": "approval",
                "approval_id": APPROVAL,
                "head": False,
                "ahead": 2,
            },
            WaitsFor(Blocker.APPROVAL, APPROVAL, ahead=2, reason="approval"),
            id="an approval, within its lane too",
        ),
        pytest.param(
            {"status": "awaiting_system", "wait_reason": "conflict", "conflict_id": CONFLICT},
            WaitsFor(Blocker.CONFLICT, CONFLICT, reason="conflict"),
            id="a conflict",
        ),
        pytest.param(
            {"status": "awaiting_system", "wait_reason": "target_down", "next_retry_at": LATER},
            WaitsFor(Blocker.TARGET, TARGET, reason="target_down", until=LATER),
            id="a target that is away",
        ),
        pytest.param(
            {"status": "failed", "next_retry_at": LATER}, WaitsFor(Blocker.TIME, until=LATER), id="its next try"
        ),
        pytest.param(
            {"status": "awaiting_system", "wait_reason": "moon"},
            WaitsFor(Blocker.TARGET, TARGET, reason="moon"),
            id="a reason that a later version has",
        ),
    ],
)
def test_the_first_thing_in_its_way_is_named(known: dict[str, Any], expected: WaitsFor | None) -> None:
    assert waits_for(Standstill(**{"head": True, "connector_id": TARGET, **known})) == expected
