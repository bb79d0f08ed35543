"""Findings as files, and findings by day, over HTTP."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from starlette.responses import StreamingResponse

from worker import recon
from worker.actions import House
from worker.api.discrepancies import Filters
from worker.api.existing import must_exist
from worker.api.schemas.discrepancies import discrepancy_of
from worker.domain.errors import InvalidRequest, NotFound
from worker.recon import Point
from worker.security import Principal, Role
from worker.store import discrepancies, runs
from worker.store.tenant import tenant
from worker.web import Auth, needs

Format = Literal["csv", "jsonl"]

#: Findings read together while a file is written: what it needs of memory, however many there are.
PAGE = 500
MOST_DAYS = 731
_MEDIA = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


class TrendPoint(BaseModel):
    """One day in UTC; ``total`` and ``by_type`` count what was detected, ``open`` what was open at its end,
    ``missed_by_deltas`` what full runs found in accounts of whose change the target had not told.
    """

    date: date
    total: int
    by_type: dict[str, int]
    open: int
    open_by_type: dict[str, int]
    missed_by_deltas: int = 0


class Trend(BaseModel):
    """Every day from one to the other, both included."""

    connector_id: UUID | None
    from_: date
    to: date
    data_points: list[TrendPoint]


def build(house: House, auth: Auth) -> APIRouter:
    """The routes of exports, and /api/reconciliation/trend."""
    router = APIRouter(prefix="/api", tags=["reconciliation"])
    viewer = needs(auth, Role.VIEWER)
    _add_exports(router, house, viewer=viewer)
    _add_trend(router, house, viewer=viewer)
    return router


def _add_exports(router: APIRouter, house: House, *, viewer: Principal) -> None:
    base = "/connectors/{connector_id}/reconciliation"

    @router.get(f"{base}/export", response_class=StreamingResponse)
    async def export(
        connector_id: UUID,
        *,
        who: Principal = viewer,
        where: Annotated[Filters, Depends()],
        format: Format = "csv",  # noqa: A002 - the name of the query parameter
    ) -> StreamingResponse:
        async with tenant(house.pool, who.tenant_id) as conn:
            await must_exist(conn, who, connector_id)
        return _file(house, who, connector_id, where, format, name="discrepancies")

    @router.get(f"{base}/runs/{{run_id}}/export", response_class=StreamingResponse)
    async def export_run(
        connector_id: UUID,
        run_id: UUID,
        *,
        who: Principal = viewer,
        format: Format = "csv",  # noqa: A002 - the name of the query parameter
    ) -> StreamingResponse:
        async with tenant(house.pool, who.tenant_id) as conn:
            run = await runs.get(conn, tenant_id=who.tenant_id, run_id=run_id)
        if run is None or run.connector_id != connector_id:
            raise NotFound(f"There is no run {run_id} of this connector.")
        return _file(house, who, connector_id, Filters(run_id=run_id), format, name=f"run-{run_id}")


def _add_trend(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get("/reconciliation/trend", response_model=None)
    async def trend(
        *,
        who: Principal = viewer,
        connector_id: UUID | None = None,
        from_day: Annotated[date | None, Query(alias="from")] = None,
        to_day: Annotated[date | None, Query(alias="to")] = None,
    ) -> dict[str, Any]:
        today = datetime.now(UTC).date()
        last = to_day or max(today, from_day or today)
        first = from_day or last - timedelta(days=29)
        if not 0 <= (last - first).days < MOST_DAYS:
            raise InvalidRequest(f"Ask for 1 to {MOST_DAYS} days; from must not lie behind to.")
        async with tenant(house.pool, who.tenant_id) as conn:
            if connector_id is not None:
                await must_exist(conn, who, connector_id)
            found = await recon.trend_of(
                conn, tenant_id=who.tenant_id, connector_id=connector_id, from_day=first, to_day=last, today=today
            )
        made = Trend(connector_id=connector_id, from_=first, to=last, data_points=[_point(each) for each in found])
        told = made.model_dump(mode="json")
        return {"from": told.pop("from_"), **told}


def _point(found: Point) -> TrendPoint:
    return TrendPoint(
        date=found.date,
        total=sum(found.detected.values()),
        by_type=dict(found.detected),
        open=sum(found.open.values()),
        open_by_type=dict(found.open),
        missed_by_deltas=found.missed,
    )


def _file(
    house: House, who: Principal, connector_id: UUID, where: Filters, kind: Format, *, name: str
) -> StreamingResponse:
    lines = export_lines(house, who.tenant_id, connector_id=connector_id, where=where, kind=kind)
    disposition = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    return StreamingResponse(lines, media_type=_MEDIA[kind], headers=disposition)


async def export_lines(
    house: House, tenant_id: UUID, *, connector_id: UUID, where: Filters, kind: Format
) -> AsyncIterator[str]:
    """Findings as CSV or JSON Lines: a page after the other, each read when the one before was sent."""
    if kind == "csv":
        yield recon.csv_header()
    write = recon.csv_line if kind == "csv" else recon.json_line
    before: UUID | None = None
    while True:
        async with tenant(house.pool, tenant_id) as conn:
            page = await discrepancies.page(
                conn,
                tenant_id=tenant_id,
                connector_id=connector_id,
                before=before,
                limit=PAGE,
                **where.narrowing(),
                **where.shared(),
            )
        if page:
            yield "".join(write(_row(each)) for each in page)
        if len(page) < PAGE:
            return
        before = page[-1].id


def _row(found: Any) -> dict[str, Any]:
    told = discrepancy_of(found).model_dump(mode="json")
    first = told["suggested_actions"][0] if told["suggested_actions"] else {}
    return {**told, "suggested_action": first.get("action"), "suggested_direction": first.get("direction")}
