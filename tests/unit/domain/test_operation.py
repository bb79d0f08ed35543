"""The states of an operation and what its payload says."""

from uuid import UUID

import pytest

from worker.domain.operation import (
    MOVES,
    NewOperation,
    Operation,
    OperationStatus,
    OperationType,
    Origin,
    may_move,
)

# from -> everything it may become; what is not here is not allowed
NEXT = {
    "pending": {"in_progress", "awaiting_system", "cancelled"},
    "in_progress": {"completed", "failed", "dead_letter", "awaiting_system", "pending", "cancelled"},
    "failed": {"in_progress", "pending", "awaiting_system", "cancelled"},
    "awaiting_system": {"pending", "cancelled"},
    "dead_letter": {"pending", "resolved"},
    "completed": set(),
    "resolved": set(),
    "cancelled": set(),
}


def an_operation(**changes: object) -> Operation:
    given = {"operation_type": OperationType.UPDATE, "payload": {}} | changes
    return Operation(UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4), object_class="user", **given)


@pytest.mark.parametrize("before", OperationStatus)
@pytest.mark.parametrize("after", OperationStatus)
def test_an_operation_moves_only_along_the_table(before, after):
    assert may_move(before, after) is (after in NEXT[before])


def test_table_and_moves_name_the_same_pairs():
    assert {(str(a), str(b)) for a, b in MOVES} == {(a, b) for a, found in NEXT.items() for b in found}


@pytest.mark.parametrize("status", OperationStatus)
def test_terminal_is_what_never_moves_again(status):
    assert status.is_terminal is (NEXT[status] == set())


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        pytest.param(Origin.EVENT, True, id="event"),
        pytest.param(Origin.SOURCE, True, id="source"),
        pytest.param(Origin.RECON, True, id="recon"),
        pytest.param(Origin.MAPPING, True, id="mapping"),
        pytest.param(Origin.API, False, id="api"),
        pytest.param(Origin.CONSOLE, False, id="console"),
        pytest.param(Origin.EMERGENCY, False, id="emergency"),
    ],
)
def test_only_plans_are_rewritten_by_newer_plans(origin, expected):
    assert origin.is_coalesced is expected


@pytest.mark.parametrize(
    ("payload", "attributes", "active"),
    [
        pytest.param({"attributes": {"mail": "a@b"}, "active": True}, {"mail": "a@b"}, True, id="both"),
        pytest.param({"attributes": {"mail": None}}, {"mail": None}, None, id="clearing leaves the state alone"),
        pytest.param({"active": False}, {}, False, id="state alone"),
        pytest.param({}, {}, None, id="nothing"),
        pytest.param({"attributes": ["mail"], "active": "yes"}, {}, None, id="damaged"),
    ],
)
def test_payload_is_read_as_attributes_and_state(payload, attributes, active):
    operation = an_operation(payload=payload)

    assert (operation.attributes, operation.active) == (attributes, active)


@pytest.mark.parametrize(
    ("retries", "allowed", "expected"),
    [
        pytest.param(0, 10, False, id="first try"),
        pytest.param(9, 10, False, id="tenth try"),
        pytest.param(10, 10, True, id="last retry"),
        pytest.param(11, 10, True, id="limit lowered meanwhile"),
        pytest.param(0, 0, True, id="no retries"),
    ],
)
def test_tries_end_after_the_allowed_retries(retries, allowed, expected):
    assert an_operation(retry_count=retries, max_retries=allowed).is_last_try is expected


@pytest.mark.parametrize(
    ("kind", "payload", "expected"),
    [
        pytest.param(OperationType.DELETE, {}, True, id="delete"),
        pytest.param(OperationType.UPDATE, {"active": False}, True, id="disable"),
        pytest.param(OperationType.UPDATE, {"active": True}, False, id="enable"),
        pytest.param(OperationType.UPDATE, {"attributes": {"mail": None}}, False, id="clear an attribute"),
        pytest.param(OperationType.CREATE, {"attributes": {}}, False, id="create"),
    ],
)
def test_removals_are_what_takes_access_away(kind, payload, expected):
    new = NewOperation(UUID(int=1), UUID(int=2), kind, "user", payload, Origin.SOURCE)

    assert new.is_removal is expected
