"""Where a new operation goes in a lane, and what becomes of those it disagrees with."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.factories import an_operation
from worker.domain.conflict import ConflictOutcome, ConflictStrategy
from worker.domain.operation import NewOperation, OperationStatus, OperationType, Origin, WaitReason
from worker.queue.disputes import InLane, Rules, Standings
from worker.queue.submission import Lane, Placement, place

TARGET, ACCOUNT = uuid4(), uuid4()


def new(origin: Origin = Origin.API, **fields: Any) -> NewOperation:
    attributes = fields.pop("attributes", {"mail": "b"})
    payload = {"attributes": attributes} | fields.pop("more", {})
    return an_operation(TARGET, ACCOUNT, origin=origin, payload=payload, **fields)


def stands(seq: int = 1, origin: Origin = Origin.API, **fields: Any) -> InLane:
    change = (OperationType.UPDATE, {"attributes": fields.pop("attributes", {"mail": "a"})})
    return InLane(uuid4(), ACCOUNT, seq, change, origin, **fields)


def placed(
    *new: NewOperation, lane: list[InLane], strategy: ConflictStrategy = ConflictStrategy.LAST_WRITE_WINS
) -> Placement:
    last = max((each.seq for each in lane), default=0)
    lanes = {ACCOUNT: Lane(ACCOUNT, live=len(lane), seq=last, standing=Standings(list(lane)))}
    return place(new, lanes=lanes, rules=Rules({TARGET: strategy}))


def payloads(found: Placement) -> list[dict[str, Any]]:
    return [op.payload["attributes"] for op, _, _ in found.inserts]


def outcomes(found: Placement) -> list[tuple[UUID, UUID | None, ConflictOutcome | None]]:
    return [(each.older, each.newer, each.outcome) for each in found.disputes.found]


def test_the_first_of_an_empty_lane_is_its_head_and_the_others_follow() -> None:
    found = placed(new(), new(), lane=[])

    assert [(seq, head) for _, seq, head in found.inserts] == [(1, True), (2, False)]
    assert found.disputes.found == []


def test_a_newer_one_takes_the_place_of_one_that_waits() -> None:
    older, op = stands(attributes={"mail": "a", "phone": "1"}), new()

    found = placed(op, lane=[older])

    assert payloads(found) == [{"mail": "b", "phone": "1"}]
    assert found.disputes.cancelled == {ConflictOutcome.SUPERSEDED: {older.id: ACCOUNT}}
    assert outcomes(found) == [(older.id, op.id, ConflictOutcome.SUPERSEDED)]


def test_one_that_is_rejected_is_put_in_the_lane_and_cancelled_there() -> None:
    older, op = stands(), new(attributes={"mail": "b", "phone": "1"})

    found = placed(op, lane=[older], strategy=ConflictStrategy.FIRST_WRITE_WINS)

    assert [each.id for each, _, _ in found.inserts] == [op.id]
    assert found.disputes.cancelled == {ConflictOutcome.REJECTED: {op.id: ACCOUNT}}
    assert found.disputes.amended[older.id][1] == {"attributes": {"mail": "a", "phone": "1"}}


def test_both_wait_for_a_person() -> None:
    older, op = stands(), new()

    found = placed(op, lane=[older], strategy=ConflictStrategy.MANUAL)

    assert [each.wait_reason for each, _, _ in found.inserts] == [WaitReason.CONFLICT]
    assert found.disputes.parked == [older.id]
    assert outcomes(found) == [(older.id, op.id, None)]


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        pytest.param(stands(origin=Origin.EVENT, was_tried=True), new(Origin.EVENT), id="a plan and a newer plan"),
        pytest.param(stands(), new(Origin.EMERGENCY), id="an emergency"),
        pytest.param(stands(origin=Origin.EMERGENCY), new(), id="behind an emergency"),
        pytest.param(stands(is_held=True), new(), id="behind what waits for an approval"),
        pytest.param(stands(), new(wait_reason=WaitReason.APPROVAL), id="what waits for an approval itself"),
        pytest.param(stands(), new(attributes={"phone": "1"}), id="other names"),
    ],
)
def test_nothing_is_in_dispute_with(older: InLane, newer: NewOperation) -> None:
    found = placed(newer, lane=[older])

    assert (found.disputes.found, found.disputes.cancelled) == ([], {})
    assert [op for op, _, _ in found.inserts] == [newer]


def test_what_is_submitted_together_is_wanted_in_that_order() -> None:
    found = placed(new(attributes={"mail": "a"}), new(attributes={"mail": "b"}), lane=[])

    assert payloads(found) == [{"mail": "a"}, {"mail": "b"}]
    assert found.disputes.found == []


def test_what_runs_is_followed_and_not_cancelled() -> None:
    older = stands(status=OperationStatus.IN_PROGRESS, was_tried=True)

    found = placed(new(), lane=[older])

    assert found.disputes.cancelled == {}
    assert [outcome for _, _, outcome in outcomes(found)] == [ConflictOutcome.APPLIED]


def test_a_plan_that_is_merged_into_an_older_plan_takes_the_place_of_what_a_person_asked_before() -> None:
    person, plan = stands(1), stands(2, Origin.EVENT, attributes={"phone": "1"})

    found = placed(new(Origin.EVENT), lane=[person, plan])

    assert found.inserts == []
    assert found.rewrites[plan.id][1][1]["attributes"] == {"phone": "1", "mail": "b"}
    assert found.disputes.cancelled == {ConflictOutcome.SUPERSEDED: {person.id: ACCOUNT}}
    assert outcomes(found) == [(person.id, plan.id, ConflictOutcome.SUPERSEDED)]


def test_a_plan_that_gives_way_leaves_the_older_plan_as_it_was() -> None:
    person, plan, op = stands(1), stands(2, Origin.EVENT, attributes={"phone": "1"}), new(Origin.EVENT)

    found = placed(op, lane=[person, plan], strategy=ConflictStrategy.FIRST_WRITE_WINS)

    assert found.rewrites == {}
    assert found.disputes.cancelled == {ConflictOutcome.REJECTED: {op.id: ACCOUNT}}


def test_a_held_removal_gives_way_to_a_newer_plan() -> None:
    held = stands(origin=Origin.EVENT, approval_id=uuid4(), is_held=True)

    found = placed(new(Origin.EVENT), lane=[held])

    assert found.undone == {held.id: ACCOUNT}
    assert len(found.inserts) == 1


def test_a_repair_that_takes_over_the_change_of_another_is_sent_whatever_moved() -> None:
    op = new(Origin.RECON, expected_hash=7)

    found = placed(op, lane=[stands(attributes={"mail": "a", "phone": "1"})])

    assert [each.expected_hash for each, _, _ in found.inserts] == [None]
