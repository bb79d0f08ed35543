"""Lists of operations over what is live, given up and finished, with exact totals, fast behind a million rows.

A page is read by id, which is the order of making; each of the three places gives its own newest, and the newest of
those are the page. Statements run with custom plans: a generic one could not use the filters that are given.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from worker.domain.operation import OperationStatus, OperationType
from worker.store.pool import Connection
from worker.store.sql import Query, Record, load

queries = load("listings")

S = OperationStatus

_LIVE = frozenset({S.PENDING, S.IN_PROGRESS, S.FAILED, S.AWAITING_SYSTEM})
_FINISHED = frozenset({S.COMPLETED, S.RESOLVED, S.CANCELLED})
#: How far the clock that makes ids may be from the database's.
_CLOCKS_DIFFER = timedelta(hours=1)
#: Sorts behind whatever begins with the text before it.
LAST = "\U0010ffff"
_MOST_LOG_LINES = 1000
#: From so many people with a name on, the rows are read and looked up instead of the people.
_MANY_NAMES = 2000


@dataclass(frozen=True, slots=True)
class OperationQuery:
    """Which operations; None: any. ``q`` is a whole id, or the beginning of a target uid or of a user name."""

    connector_id: UUID | None = None
    user_id: UUID | None = None
    status: OperationStatus | None = None
    operation_type: OperationType | None = None
    from_date: datetime | None = None
    to_date: datetime | None = None
    q: str | None = None
    error_code: str | None = None
    run_id: UUID | None = None
    account_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many match: by shown status, and by error code what needs attention (failed, waiting, dead letters).

    ``oldest_pending`` is when the oldest pending one was made, ``latest_dead`` when the last dead letter was given up.
    """

    by_status: dict[OperationStatus, int]
    by_error: dict[tuple[OperationStatus, str], int]
    oldest_pending: datetime | None = None
    latest_dead: datetime | None = None


async def operations(
    conn: Connection,
    tenant_id: UUID,
    *,
    where: OperationQuery,
    before: UUID | None = None,
    after: UUID | None = None,
    limit: int,
    offset: int = 0,
) -> list[Record]:
    """Operations, the newest first: those made before the id ``before``, or the next made after the id ``after``.

    A row has the columns of its table, ``connector_name``, ``user_name`` of its identity, and the *shown* status:
    pending operations of a closed target wait (maintenance, breaker, baseline).
    """
    closed = await _plan_with_values(conn, tenant_id)
    filters = await _filters(conn, tenant_id, where)
    page = {"before": before, "after": after, "limit": limit + offset}
    found: list[Record] = []
    for query in _places(where.status, (queries.live, queries.dead, queries.archived)):
        found += await query.rows(conn, **_fitting(query, tenant_id, where.status, filters | closed | page))
    found.sort(key=lambda row: row["id"], reverse=after is None)
    page_of = found[offset : offset + limit]
    return page_of if after is None else page_of[::-1]


async def operation_counts(conn: Connection, tenant_id: UUID, *, where: OperationQuery) -> dict[OperationStatus, int]:
    """How many match by shown status; the status of ``where`` decides only which places are counted."""
    return (await tally(conn, tenant_id, where=where)).by_status


async def tally(conn: Connection, tenant_id: UUID, *, where: OperationQuery, only_open: bool = False) -> Tally:
    """Counts with every filter but the status. ``only_open`` leaves the finished ones out."""
    closed = await _plan_with_values(conn, tenant_id)
    filters = await _filters(conn, tenant_id, where)
    by_status: Counter[OperationStatus] = Counter()
    by_error: Counter[tuple[OperationStatus, str]] = Counter()
    oldest: datetime | None = None
    latest: datetime | None = None
    for query in (queries.live_counts, queries.dead_counts):
        for row in await query.rows(conn, **_fitting(query, tenant_id, None, filters | closed)):
            status = OperationStatus(row["status"])
            by_status[status] += row["n"]
            if row["error_code"] is not None:
                by_error[status, row["error_code"]] += row["n"]
            if status is S.PENDING:
                oldest = min(row["oldest"], oldest or row["oldest"])
            if status is S.DEAD_LETTER:
                latest = max(row["latest"], latest or row["latest"])
    if not only_open:
        query = queries.archived_counts
        for row in await query.rows(conn, **_fitting(query, tenant_id, None, filters)):
            by_status[OperationStatus(row["status"])] += row["n"]
    return Tally(dict(by_status), dict(by_error), oldest, latest)


async def operation_stats(conn: Connection, tenant_id: UUID, *, connector_id: UUID | None = None) -> dict[str, Any]:
    """The queue in numbers: the statuses that a person watches, and three figures.

    ``avg_processing_time_secs`` of the latest thousand of the last week, ``success_rate`` in percent of what completed
    or was given up (None when nothing ended), ``oldest_pending_seconds``.
    """
    found = await tally(conn, tenant_id, where=OperationQuery(connector_id=connector_id))
    seconds = await queries.recent_times.value(conn, tenant_id=tenant_id, connector_id=connector_id)
    completed, dead = found.by_status.get(S.COMPLETED, 0), found.by_status.get(S.DEAD_LETTER, 0)
    waited = datetime.now(UTC) - found.oldest_pending if found.oldest_pending else None
    return {
        **{status.value: found.by_status.get(status, 0) for status in (*_LIVE, S.COMPLETED, S.DEAD_LETTER)},
        "avg_processing_time_secs": seconds,
        "success_rate": 100.0 * completed / (completed + dead) if completed + dead else None,
        "oldest_pending_seconds": max(waited.total_seconds(), 0.0) if waited else None,
    }


async def attempts(conn: Connection, tenant_id: UUID, *, operation_id: UUID) -> list[Record]:
    """The tries of an operation in order."""
    return await queries.attempts.rows(
        conn, tenant_id=tenant_id, operation_id=operation_id, from_day=_made_at(operation_id).date()
    )


async def logs(conn: Connection, tenant_id: UUID, *, operation_id: UUID) -> list[Record]:
    """The first thousand log lines of an operation, in order."""
    return await queries.logs.rows(
        conn,
        tenant_id=tenant_id,
        operation_id=operation_id,
        from_day=_made_at(operation_id).date(),
        limit=_MOST_LOG_LINES,
    )


async def custom_plans(conn: Connection) -> None:
    """Plan what follows in this transaction with its values."""
    await conn.execute("SET LOCAL plan_cache_mode = force_custom_plan")


async def _plan_with_values(conn: Connection, tenant_id: UUID) -> dict[str, Any]:
    """Ask for custom plans; the closed targets with their reasons."""
    await custom_plans(conn)
    rows = await queries.closed.rows(conn, tenant_id=tenant_id)
    return {"closed_ids": [row["connector_id"] for row in rows], "reasons": [row["reason"] for row in rows]}


async def _filters(conn: Connection, tenant_id: UUID, where: OperationQuery) -> dict[str, Any]:
    only_id = _as_id(where.q)
    prefix = where.q if where.q is not None and only_id is None else None
    text = {"q": prefix, "q_end": prefix + LAST if prefix is not None else None}
    named: list[UUID] = []
    if prefix is not None:
        rows = await queries.named.rows(conn, tenant_id=tenant_id, limit=_MANY_NAMES, **text)
        named = [row["id"] for row in rows]
    is_short = len(named) == _MANY_NAMES
    return {
        "connector_id": where.connector_id,
        "user_id": where.user_id,
        "account_id": where.account_id,
        "operation_type": where.operation_type.value if where.operation_type else None,
        "error_code": where.error_code,
        "run_id": where.run_id,
        "from_date": where.from_date,
        "to_date": where.to_date,
        "from_id": _first_id(where.from_date - _CLOCKS_DIFFER) if where.from_date else None,
        "to_id": _first_id(where.to_date + _CLOCKS_DIFFER) if where.to_date else None,
        "only_id": only_id,
        "named_ids": [] if is_short else named,
        "is_short": is_short,
        **text,
    }


def _places(status: OperationStatus | None, every: Sequence[Query]) -> Iterator[Query]:
    """Those of (live, dead letters, archive) that can hold this status."""
    live, dead, archived = every
    if status is None or status in _LIVE:
        yield live
    if status is None or status is S.DEAD_LETTER:
        yield dead
    if status is None or status in _FINISHED:
        yield archived


def _fitting(query: Query, tenant_id: UUID, status: OperationStatus | None, values: dict[str, Any]) -> dict[str, Any]:
    """The values that this statement takes."""
    offered = {"tenant_id": tenant_id, "status": status.value if status else None, **values}
    return {name: offered[name] for name in query.parameters}


def _as_id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text is not None and len(text) >= 32 else None
    except ValueError:
        return None


def _first_id(moment: datetime) -> UUID:
    """The lowest UUIDv7 of a moment."""
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


def _made_at(id_: UUID) -> datetime:
    """When an id was made, a day early for safety; the beginning of time for one that is no UUIDv7."""
    if id_.version != 7:
        return datetime(1970, 1, 1, tzinfo=UTC)
    return datetime.fromtimestamp((id_.int >> 80) / 1000, UTC) - timedelta(days=1)
