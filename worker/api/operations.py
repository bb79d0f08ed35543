"""Operations over HTTP."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from worker.actions import House, bulk
from worker.actions import operations as acts
from worker.actions.bulk import BulkDone
from worker.api.schemas.operations import (
    Attempt,
    AttemptList,
    BulkAnswer,
    BulkFilter,
    BulkOperationsBody,
    BulkOutcome,
    FollowUp,
    LogLine,
    LogList,
    Moment,
    OperationBody,
    OperationList,
    OperationStats,
    OperationWithWait,
    RedriveBody,
    ResolveBody,
    Waiting,
    operation_of,
)
from worker.domain.errors import NotFound
from worker.domain.operation import OperationStatus, OperationType, Origin
from worker.domain.waiting import waits_for
from worker.security import Principal, Role
from worker.store import follow_ups, listings, listings_waiting
from worker.store.listings import OperationQuery
from worker.store.tenant import tenant
from worker.web import Auth, needs

#: What a request for many may take; the rest is asked for again.
BULK_S = 20.0
Limit = Annotated[int, Query(ge=1, le=100)]
#: Deeper pages are read by their cursor.
Offset = Annotated[int, Query(ge=0, le=10_000)]


def build(house: House, auth: Auth) -> APIRouter:
    """The routes under /api/operations."""
    router = APIRouter(prefix="/api/operations", tags=["operations"])
    viewer, operator = needs(auth, Role.VIEWER), needs(auth, Role.OPERATOR)
    _add_list(router, house, viewer=viewer)
    _add_submit(router, house, operator=operator)
    _add_numbers(router, house, viewer=viewer)
    _add_bulk(router, house, operator=operator)
    _add_one(router, house, viewer=viewer)
    _add_acts(router, house, operator=operator)
    return router


def _add_list(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get("", response_model=OperationList)
    async def list_operations(
        *,
        who: Principal = viewer,
        connector_id: UUID | None = None,
        user_id: UUID | None = None,
        status: OperationStatus | None = None,
        operation_type: OperationType | None = None,
        from_date: Moment | None = None,
        to_date: Moment | None = None,
        error_code: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
        run_id: UUID | None = None,
        q: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
        limit: Limit = 20,
        offset: Offset = 0,
        cursor: UUID | None = None,
    ) -> OperationList:
        where = OperationQuery(
            connector_id=connector_id,
            user_id=user_id,
            status=status,
            operation_type=operation_type,
            from_date=from_date,
            to_date=to_date,
            q=q,
            error_code=error_code,
            run_id=run_id,
        )
        async with tenant(house.pool, who.tenant_id) as conn:
            counts = await listings.operation_counts(conn, who.tenant_id, where=where)
            rows = await listings.operations(
                conn, who.tenant_id, where=where, before=cursor, limit=limit + 1, offset=offset, known=counts
            )
        total = counts.get(status, 0) if status else sum(counts.values())
        found = [operation_of(row) for row in rows]
        more = str(found[limit - 1].id) if len(found) > limit else None
        return OperationList(operations=found[:limit], total=total, limit=limit, offset=offset, next_cursor=more)


def _add_submit(router: APIRouter, house: House, *, operator: Principal) -> None:
    @router.post("", response_model=OperationWithWait, status_code=201)
    async def submit(
        body: OperationBody,
        response: Response,
        who: Principal = operator,
        idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
    ) -> OperationWithWait:
        wanted = acts.Submission(
            connector_id=body.connector_id,
            user_id=body.user_id,
            operation_type=body.operation_type,
            object_class=body.object_class,
            payload=body.payload,
            priority=body.priority,
            max_retries=body.max_retries,
            idempotency_key=idempotency_key or body.idempotency_key,
        )
        operation_id, is_new = await acts.submit(house, who, wanted)
        response.status_code = 201 if is_new else 200
        return await _get(house, who, operation_id)


def _add_numbers(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get("/stats", response_model=OperationStats)
    async def stats(who: Principal = viewer, connector_id: UUID | None = None) -> OperationStats:
        async with tenant(house.pool, who.tenant_id) as conn:
            found = await listings.operation_stats(conn, who.tenant_id, connector_id=connector_id)
        return OperationStats.model_validate(found)

    @router.get("/dlq", response_model=OperationList)
    async def dead_letters(
        who: Principal = viewer, connector_id: UUID | None = None, limit: Limit = 20, offset: Offset = 0
    ) -> OperationList:
        where = OperationQuery(connector_id=connector_id, status=OperationStatus.DEAD_LETTER)
        async with tenant(house.pool, who.tenant_id) as conn:
            counts = await listings.operation_counts(conn, who.tenant_id, where=where)
            rows = await listings.operations(
                conn, who.tenant_id, where=where, before=None, limit=limit, offset=offset, known=counts
            )
        total = counts.get(OperationStatus.DEAD_LETTER, 0)
        return OperationList(operations=[operation_of(row) for row in rows], total=total, limit=limit, offset=offset)


def _add_one(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get("/{operation_id}", response_model=OperationWithWait)
    async def get_operation(operation_id: UUID, who: Principal = viewer) -> OperationWithWait:
        return await _get(house, who, operation_id)

    @router.get("/{operation_id}/attempts", response_model=AttemptList)
    async def attempts(operation_id: UUID, who: Principal = viewer) -> AttemptList:
        await _get(house, who, operation_id)
        async with tenant(house.pool, who.tenant_id) as conn:
            rows = await listings.attempts(conn, who.tenant_id, operation_id=operation_id)
        return AttemptList(operation_id=operation_id, attempts=[Attempt.model_validate(dict(row)) for row in rows])

    @router.get("/{operation_id}/logs", response_model=LogList)
    async def logs(operation_id: UUID, who: Principal = viewer) -> LogList:
        await _get(house, who, operation_id)
        async with tenant(house.pool, who.tenant_id) as conn:
            rows = await listings.logs(conn, who.tenant_id, operation_id=operation_id)
        lines = [LogLine.model_validate({**dict(row), "timestamp": row["at"]}) for row in rows]
        return LogList(operation_id=operation_id, logs=lines)


def _add_bulk(router: APIRouter, house: House, *, operator: Principal) -> None:
    @router.post("/bulk", response_model=BulkAnswer)
    async def bulk_act(body: BulkOperationsBody, who: Principal = operator) -> BulkAnswer:
        notes = body.resolution_notes
        if body.ids is not None:
            done = await bulk.act_on(house, who, action=body.action, ids=body.ids, notes=notes, origin=Origin.API)
        else:
            where = OperationQuery(**(body.filter or BulkFilter()).model_dump())
            if body.dry_run:
                done = BulkDone(total=await bulk.matching(house, who, action=body.action, where=where))
            else:
                done = await bulk.act_on_matching(
                    house,
                    who,
                    action=body.action,
                    where=where,
                    expected=body.expected or 0,
                    notes=notes,
                    origin=Origin.API,
                    most_s=BULK_S,
                )
        return BulkAnswer(
            results=[BulkOutcome(**asdict(each)) for each in done.results],
            total=done.total,
            succeeded=done.succeeded,
            failed=done.failed,
            skipped=done.skipped,
            remaining=done.remaining,
            dry_run=body.dry_run,
        )


def _add_acts(router: APIRouter, house: House, *, operator: Principal) -> None:
    @router.post("/{operation_id}/retry", response_model=OperationWithWait)
    async def retry(operation_id: UUID, who: Principal = operator) -> OperationWithWait:
        await acts.retry(house, who, operation_id=operation_id)
        return await _get(house, who, operation_id)

    @router.post("/{operation_id}/cancel", response_model=OperationWithWait)
    async def cancel(operation_id: UUID, who: Principal = operator) -> OperationWithWait:
        await acts.cancel(house, who, operation_id=operation_id)
        return await _get(house, who, operation_id)

    @router.post("/{operation_id}/resolve", response_model=OperationWithWait)
    async def resolve(operation_id: UUID, body: ResolveBody, who: Principal = operator) -> OperationWithWait:
        await acts.resolve(house, who, operation_id=operation_id, notes=body.resolution_notes)
        return await _get(house, who, operation_id)

    @router.post("/{operation_id}/redrive", response_model=OperationWithWait, status_code=201)
    async def redrive(
        operation_id: UUID, body: RedriveBody | None = None, who: Principal = operator
    ) -> OperationWithWait:
        payload = body.payload if body else None
        new = await acts.redrive(house, who, operation_id=operation_id, payload=payload, origin=Origin.API)
        return await _get(house, who, new)


async def _get(house: House, who: Principal, operation_id: UUID) -> OperationWithWait:
    async with tenant(house.pool, who.tenant_id) as conn:
        row = await listings.operation(conn, who.tenant_id, operation_id)
        still = await listings_waiting.standstill(conn, who.tenant_id, operation_id=operation_id)
        chain = await follow_ups.of_operation(conn, who.tenant_id, operation_id=operation_id)
    if row is None:
        raise NotFound(f"There is no operation {operation_id}.")
    waits = waits_for(still) if still is not None else None
    links = [FollowUp.model_validate(dict(each)) for each in chain]
    return OperationWithWait(
        **dict(operation_of(row)),
        waits_for=Waiting(**asdict(waits)) if waits is not None else None,
        follows_from=next((each for each in links if each.made_id == operation_id), None),
        follow_ups=[each for each in links if each.operation_id == operation_id],
    )
