"""One verb on many operations: whatever matches a filter."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

from worker.actions.house import House, acting
from worker.domain.errors import InvalidRequest, WrongState
from worker.domain.operation import OperationStatus
from worker.security import Principal, Role
from worker.store import due_work, listings, operations
from worker.store.listings import OperationQuery
from worker.store.tenant import tenant

_TOGETHER = 500
_RETRIED = (OperationStatus.FAILED, OperationStatus.DEAD_LETTER)


async def retry_matching(house: House, principal: Principal, *, where: OperationQuery, expected: int) -> int:
    """Retry all failed operations and dead letters that match; how many. What was never accepted is left as it is.

    Raises WrongState when more match than the person was told, InvalidRequest for a status that is not retried.
    """
    if where.status not in {None, *_RETRIED}:
        raise InvalidRequest(f"Operations that are {where.status} are not retried.")
    async with tenant(house.pool, principal.tenant_id) as conn:
        tally = await listings.tally(conn, principal.tenant_id, where=where, only_open=True)
    statuses = [status for status in _RETRIED if where.status in {None, status}]
    found = sum(tally.by_status.get(status, 0) for status in statuses)
    if found > expected:
        raise WrongState(f"Meanwhile {found} match, not {expected}; nothing was done.")
    done = 0
    for status in statuses:
        before: UUID | None = None
        while ids := await _next(house, principal, replace(where, status=status), before):
            done += await _retry(house, principal, ids, status)
            before = ids[-1]
    return done


async def _next(house: House, principal: Principal, where: OperationQuery, before: UUID | None) -> list[UUID]:
    async with tenant(house.pool, principal.tenant_id) as conn:
        rows = await listings.operations(conn, principal.tenant_id, where=where, before=before, limit=_TOGETHER)
    return [row["id"] for row in rows]


async def _retry(house: House, principal: Principal, ids: list[UUID], status: OperationStatus) -> int:
    async with acting(house, principal, Role.OPERATOR) as act:
        if status is OperationStatus.FAILED:
            moved = await operations.queries.retry_now.rows(act.conn, tenant_id=act.tenant_id, ids=ids)
        else:
            moved = await house.letters.retry_many(act.conn, tenant_id=act.tenant_id, ids=ids)
        lines = [(row["id"], "info", "A person asked for another try.") for row in moved]
        await operations.log(act.conn, act.tenant_id, lines)
        for connector_id in {row["connector_id"] for row in moved}:
            await due_work.ask(act.conn, act.tenant_id, due_work.Kind.CLAIM, connector_id)
        for some in _pieces([str(row["id"]) for row in moved]):
            act.note("operation.retry_many", "operations", f"{len(some)} {status.value}", ids=some)
        if not moved:
            act.note("operation.retry_many", "operations", f"0 {status.value}")
    return len(moved)


def _pieces(ids: list[str]) -> Iterator[list[str]]:
    for at in range(0, len(ids), 100):
        yield ids[at : at + 100]
