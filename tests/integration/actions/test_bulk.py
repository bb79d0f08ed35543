"""One verb on many operations: of ids each for itself, of a filter a batch at a time."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from tests.factories import a_connector, accounts, an_operation, enqueue, registered_worker
from tests.integration.actions.conftest import Works
from worker.actions import bulk
from worker.actions.bulk import BulkAction, BulkDone
from worker.domain.errors import Forbidden, InvalidRequest, WrongState
from worker.domain.ids import uuid7
from worker.domain.operation import OperationStatus as S
from worker.domain.operation import Origin
from worker.store import operations
from worker.store.listings import OperationQuery
from worker.store.operations import Failure, Fence
from worker.store.tenant import tenant


@dataclass
class Crowd:
    """Operations of one target: two pending, two failed, three given up."""

    works: Works
    target: UUID
    pending: list[UUID]
    failed: list[UUID]
    dead: list[UUID]

    async def on(self, action: BulkAction, *ids: UUID, notes: str = "") -> BulkDone:
        return await bulk.act_on(
            self.works.house, self.works.operator, action=action, ids=ids, notes=notes, origin=Origin.API
        )

    async def on_all(self, action: BulkAction, expected: int, notes: str = "", **filters: Any) -> BulkDone:
        return await bulk.act_on_matching(
            self.works.house,
            self.works.operator,
            action=action,
            where=OperationQuery(connector_id=self.target, **filters),
            expected=expected,
            notes=notes,
            origin=Origin.API,
        )

    async def audited(self, action: str) -> int:
        return int(await self.works.value("SELECT count(*) FROM audit WHERE action = $1", action))


@pytest.fixture
async def crowd(works: Works) -> Crowd:
    pool, tenant_id = works.house.pool, works.tenant_id
    target = (await a_connector(pool, tenant_id, name="crowded", has_baseline=True)).id
    lanes = await accounts(pool, tenant_id, target, 7)
    ids = await enqueue(pool, tenant_id, *(an_operation(target, lane) for lane in lanes))
    async with registered_worker(pool) as owner, tenant(pool, tenant_id) as conn:
        claimed = await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=5)
        fences = [Fence(op.id, op.epoch, op.account_id) for op in claimed]
        await operations.fail(conn, tenant_id, owner, [Failure(f, 5, "busy", "x", 3600.0) for f in fences[:2]])
        await operations.bury(conn, tenant_id, owner, [Failure(f, 5, "refused", "x") for f in fences[2:]])
    tried = {f.id for f in fences}
    return Crowd(
        works, target, [id_ for id_ in ids if id_ not in tried], [f.id for f in fences[:2]], [f.id for f in fences[2:]]
    )


async def test_each_of_some_ids_is_done_skipped_with_a_reason_or_failed(crowd: Crowd) -> None:
    unknown = uuid7()

    done = await crowd.on(BulkAction.RETRY, crowd.failed[0], crowd.dead[0], crowd.pending[0], unknown, crowd.failed[0])

    assert (done.total, done.succeeded, done.skipped, done.failed, done.remaining) == (4, 2, 1, 1, 0)
    told = {each.operation_id: each for each in done.results}
    assert told[crowd.pending[0]].skipped
    assert "pending cannot be retried" in str(told[crowd.pending[0]].error)
    assert "no operation" in str(told[unknown].error)
    assert await crowd.audited("operation.retry") == 2


@pytest.mark.parametrize(
    ("action", "takes", "table"),
    [
        pytest.param(BulkAction.RETRY, 5, "operations WHERE status = 'pending'", id="retry"),
        pytest.param(BulkAction.CANCEL, 4, "operations_archive WHERE status = 'cancelled'", id="cancel"),
        pytest.param(BulkAction.RESOLVE, 3, "operations_archive WHERE status = 'resolved'", id="resolve"),
        pytest.param(BulkAction.REDRIVE, 3, "operations WHERE redrive_of IS NOT NULL", id="redrive"),
    ],
)
async def test_whatever_matches_is_taken_when_as_many_were_expected(
    crowd: Crowd, action: BulkAction, takes: int, table: str
) -> None:
    where = OperationQuery(connector_id=crowd.target)
    before = int(await crowd.works.value(f"SELECT count(*) FROM {table}"))
    assert await bulk.matching(crowd.works.house, crowd.works.operator, action=action, where=where) == takes
    with pytest.raises(WrongState, match="nothing was done"):
        await crowd.on_all(action, takes - 1, notes="by hand")

    done = await crowd.on_all(action, takes, notes="by hand")

    assert (done.total, done.succeeded, done.skipped, done.failed) == (takes, takes, 0, 0)
    assert int(await crowd.works.value(f"SELECT count(*) FROM {table}")) - before == takes


async def test_a_filter_is_worked_off_in_batches_each_with_its_audit(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_BATCH", 2)

    done = await crowd.on_all(BulkAction.RESOLVE, 3, notes="by hand")

    assert done.succeeded == 3
    assert await crowd.audited("operation.resolve_many") == 2


async def test_what_a_request_has_no_time_for_is_told_as_remaining(crowd: Crowd) -> None:
    done = await bulk.act_on_matching(
        crowd.works.house,
        crowd.works.operator,
        action=BulkAction.CANCEL,
        where=OperationQuery(connector_id=crowd.target),
        expected=4,
        origin=Origin.API,
        most_s=0.0,
    )

    assert (done.total, done.succeeded, done.remaining) == (4, 0, 4)


async def test_nobody_acts_on_many_who_may_not_or_says_too_little(crowd: Crowd) -> None:
    with pytest.raises(InvalidRequest, match="resolution_notes"):
        await crowd.on(BulkAction.RESOLVE, crowd.dead[0], notes="  ")
    with pytest.raises(InvalidRequest, match="between 1 and 100"):
        await crowd.on(BulkAction.RETRY)
    with pytest.raises(InvalidRequest, match="cannot be taken"):
        await crowd.on_all(BulkAction.RESOLVE, 9, notes="x", status=S.PENDING)
    with pytest.raises(Forbidden):
        await bulk.act_on(
            crowd.works.house, crowd.works.viewer, action=BulkAction.RETRY, ids=crowd.failed, origin=Origin.API
        )
