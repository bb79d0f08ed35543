"""Lists of operations over what is live, given up and finished, with exact totals, fast behind a million rows.

A page is read by id, which is the order of making; each of the three places gives its own newest, and the newest of
those are the page. Statements run with custom plans: a generic one could not use the filters that are given.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from worker.domain.operation import OperationStatus, OperationType
from worker.store import workers
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
#: From so many live operations on their counts are believed; fewer are counted one by one.
MANY = 50_000


@dataclass(frozen=True, slots=True)
class _Place:
    """Where operations are, with the statuses they have there; the first place has those that nobody knows, too."""

    rows: Query
    ids: Query
    statuses: frozenset[OperationStatus]

    def may_hold(self, status: OperationStatus | None, known: Mapping[str, int] | None) -> bool:
        """Whether something of this status, or of any, can be here; ``known`` counts what there is."""
        if status is not None:
            return status in self.statuses and (known is None or bool(known.get(status, 0)))
        return known is None or any(known.get(each, 0) for each in self.statuses) or bool(known.keys() - set(S))


_LIVING = _Place(queries.live, queries.live_ids, _LIVE)
_ENDED = _Place(queries.archived, queries.archived_ids, _FINISHED)
_PLACES = (_LIVING, _Place(queries.dead, queries.dead_ids, frozenset({S.DEAD_LETTER})), _ENDED)


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

    @property
    def is_counted(self) -> bool:
        """Whether what it asks for is counted as it comes and goes, so that nobody need read it."""
        return not any((self.user_id, self.q, self.error_code, self.run_id, self.account_id))

    @property
    def is_timed(self) -> bool:
        return self.from_date is not None or self.to_date is not None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many match: by shown status, and by error code what needs attention (failed, waiting, dead letters).

    A status may be a word that only a later version knows.

    ``oldest_pending`` is when the oldest that could run was made, ``latest_dead`` when one was last given up.
    """

    by_status: dict[str, int]
    by_error: dict[tuple[str, str], int]
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
    known: Mapping[str, int] | None = None,
) -> list[Record]:
    """Operations, the newest first: those made before the id ``before``, or the next made after the id ``after``.

    ``known``: how many match by shown status (``operation_counts``), so that nobody looks where there are none.

    A row has the columns of its table, ``connector_name``, ``user_name`` of its identity, and the *shown* status:
    pending operations of a closed target wait (maintenance, breaker, baseline, ``Retry-After``).
    """
    closed = await _plan_with_values(conn, tenant_id)
    values = await _filters(conn, tenant_id, where) | closed
    page = {"before": before, "after": after, "limit": limit + offset}
    near = await _nearer(conn, tenant_id, where, all_noted=closed["all_noted"])
    asked = {place: values | near.get(place, {}) | page for place in _PLACES if place.may_hold(where.status, known)}
    if offset:
        # What is skipped is passed over by its ids: the rows themselves are wide.
        ids: list[UUID] = []
        for place, given in asked.items():
            found = await place.ids.rows(conn, **_fitting(place.ids, tenant_id, where.status, given))
            ids += [row["id"] for row in found]
        shown = sorted(ids, reverse=after is None)[offset : offset + limit]
        page = {"before": None, "after": None, "limit": limit}
        values = await _filters(conn, tenant_id, OperationQuery()) | closed | page | {"only_ids": shown}
        asked = dict.fromkeys(asked, values)
    rows: list[Record] = []
    for place, given in asked.items():
        rows += await place.rows.rows(conn, **_fitting(place.rows, tenant_id, where.status, given))
    newest_first = sorted(rows, key=lambda row: row["id"], reverse=True)
    return newest_first[:limit] if after is None or offset else newest_first[-limit:]


async def operation(conn: Connection, tenant_id: UUID, operation_id: UUID) -> Record | None:
    """One operation as lists show it, wherever it is."""
    found = await operations(conn, tenant_id, where=OperationQuery(q=str(operation_id)), limit=1)
    return found[0] if found else None


async def operation_counts(conn: Connection, tenant_id: UUID, *, where: OperationQuery) -> dict[str, int]:
    """How many match by shown status; only the places that can hold the status of ``where`` are counted."""
    return (await _counted(conn, tenant_id, where, status=where.status, with_oldest=False)).by_status


async def tally(conn: Connection, tenant_id: UUID, *, where: OperationQuery, only_open: bool = False) -> Tally:
    """Counts with every filter but the status. ``only_open`` leaves the finished ones out."""
    return await _counted(conn, tenant_id, where, only_open=only_open)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Live operations by target and shown status; when the oldest that could run was made, and the oldest at each.

    Of many, the latter is known to the hour.
    """

    by_target: dict[tuple[UUID, str], int]
    oldest_pending: datetime | None
    oldest: dict[UUID, datetime]


async def waiting(conn: Connection, tenant_id: UUID) -> Waiting:
    """What lives at each target, row by row while that is quick, and else by what was counted."""
    where = OperationQuery()
    closed = await _plan_with_values(conn, tenant_id)
    values = await _filters(conn, tenant_id, where) | closed
    found = _Sums(frozenset(closed["closed_ids"]))
    await _count_live(conn, tenant_id, where, values, found)
    if found.oldest is None and found.by_status[S.PENDING]:
        query = queries.oldest_pending
        found.oldest = await query.value(conn, **_fitting(query, tenant_id, None, values))
    oldest = found.oldest_of
    if found.by_target and not oldest:
        rows = await queries.oldest_hours.rows(conn, tenant_id=tenant_id)
        oldest = {row["connector_id"]: row["oldest"] for row in rows}
    return Waiting(dict(found.by_target), found.oldest, oldest)


async def _counted(
    conn: Connection,
    tenant_id: UUID,
    where: OperationQuery,
    *,
    status: OperationStatus | None = None,
    only_open: bool = False,
    with_oldest: bool = True,
) -> Tally:
    closed = await _plan_with_values(conn, tenant_id)
    values = await _filters(conn, tenant_id, where) | closed
    found = _Sums(frozenset(closed["closed_ids"]))
    if status is None or status in _LIVE:
        await _count_live(conn, tenant_id, where, values, found)
        if with_oldest and found.oldest is None and found.by_status[S.PENDING]:
            query = queries.oldest_pending
            found.oldest = await query.value(conn, **_fitting(query, tenant_id, None, values))
    if status is None or status is S.DEAD_LETTER:
        for row in await queries.dead_counts.rows(conn, **_fitting(queries.dead_counts, tenant_id, None, values)):
            found.add(row["status"], row["error_code"], row["n"])
            found.latest = max(row["latest"], found.latest or row["latest"])
    if status in _FINISHED or (status is None and not only_open):
        query = queries.ended_counts if where.is_counted else queries.archived_counts
        for row in await query.rows(conn, **_fitting(query, tenant_id, None, values)):
            found.add(row["status"], None, row["n"])
    return Tally(dict(found.by_status), dict(found.by_error), found.oldest, found.latest)


async def _count_live(
    conn: Connection, tenant_id: UUID, where: OperationQuery, values: dict[str, Any], found: "_Sums"
) -> None:
    """Row by row while that is quick; from ``MANY`` on by what was counted, where the filters allow it."""
    are_many = await _are_many(conn, tenant_id, where, all_noted=values["all_noted"])
    if where.is_counted and are_many:
        query = queries.many_living
        for row in await query.rows(conn, **_fitting(query, tenant_id, None, values)):
            found.add_living(row["connector_id"], row["status"], row["error_code"], row["n"])
        found.settle()
        return
    if are_many:
        values = values | await _of_person(conn, tenant_id, where)
    query = queries.live_counts
    for row in await query.rows(conn, **_fitting(query, tenant_id, None, values)):
        found.add(row["status"], row["error_code"], row["n"])
        found.by_target[row["connector_id"], row["status"]] += row["n"]
        known = found.oldest_of.get(row["connector_id"], row["oldest"])
        found.oldest_of[row["connector_id"]] = min(known, row["oldest"])
        if row["status"] == S.PENDING and row["oldest_head"] is not None:
            found.oldest = min(row["oldest_head"], found.oldest or row["oldest_head"])


@dataclass(slots=True)
class _Sums:
    """What is being counted; ``closed``: targets whose pending operations are shown as waiting."""

    closed: frozenset[UUID]
    by_status: Counter[str] = field(default_factory=Counter)
    by_error: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_target: Counter[tuple[UUID, str]] = field(default_factory=Counter)
    pending: Counter[UUID] = field(default_factory=Counter)
    oldest_of: dict[UUID, datetime] = field(default_factory=dict)
    oldest: datetime | None = None
    latest: datetime | None = None

    def add(self, status: str, error_code: str | None, n: int) -> None:
        self.by_status[status] += n
        if error_code is not None:
            self.by_error[status, error_code] += n

    def add_living(self, connector_id: UUID, status: str | None, error_code: str | None, n: int) -> None:
        """All that lives at a target (no status), or what of it has begun and so is not pending."""
        self.pending[connector_id] += n if status is None else -n
        if status is not None:
            self.add(status, error_code, n)
            self.by_target[connector_id, status] += n

    def settle(self) -> None:
        """Name what is left over."""
        for connector_id, n in self.pending.items():
            if n > 0:
                status = S.AWAITING_SYSTEM if connector_id in self.closed else S.PENDING
                self.by_status[status] += n
                self.by_target[connector_id, status] += n


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
    day = _made_at(operation_id).date()
    return await queries.attempts.rows(conn, tenant_id=tenant_id, operation_id=operation_id, from_day=day)


async def logs(conn: Connection, tenant_id: UUID, *, operation_id: UUID) -> list[Record]:
    """The first thousand log lines of an operation, in order."""
    day, query = _made_at(operation_id).date(), queries.logs
    return await query.rows(conn, tenant_id=tenant_id, operation_id=operation_id, from_day=day, limit=_MOST_LOG_LINES)


async def custom_plans(conn: Connection) -> None:
    """Plan what follows in this transaction with its values."""
    await conn.execute("SET LOCAL plan_cache_mode = force_custom_plan")


async def _plan_with_values(conn: Connection, tenant_id: UUID) -> dict[str, Any]:
    """Ask for custom plans; the closed targets with their reasons, and whether notes and counts tell of all."""
    await custom_plans(conn)
    rows = await queries.closed.rows(conn, tenant_id=tenant_id)
    closed = [row["connector_id"] for row in rows]
    found: dict[str, Any] = {"closed_ids": closed, "reasons": [row["reason"] for row in rows]}
    return found | {"some_closed": bool(closed), "all_noted": await workers.all_noted(conn)}


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
        "only_ids": [only_id] if only_id else None,
        "named_ids": [] if is_short else named,
        "is_short": is_short,
        **text,
    }


async def _are_many(conn: Connection, tenant_id: UUID, where: OperationQuery, *, all_noted: bool) -> bool:
    """Whether so many live that notes and counts lead to what is asked for; not where they could lead past some."""
    if not all_noted and (where.user_id or where.is_timed):
        return False
    return bool(await queries.living.value(conn, tenant_id=tenant_id) >= MANY)


async def _nearer(
    conn: Connection, tenant_id: UUID, where: OperationQuery, *, all_noted: bool
) -> dict[_Place, dict[str, Any]]:
    """What narrows a page where there are many, by place: ids that were made in its time, closer than the clocks allow,
    in places that are all counted; the ids of a person's operations. So it need not pass over all the others.
    """
    found: dict[_Place, dict[str, Any]] = {}
    are_many = (where.user_id or where.is_timed) and await _are_many(conn, tenant_id, where, all_noted=all_noted)
    if where.is_timed:
        times = {"from_date": where.from_date, "to_date": where.to_date}
        for row in await queries.made_between.rows(conn, tenant_id=tenant_id, **times):
            if are_many:
                found[_LIVING] = _between(row["first_living"], row["last_living"])
            if not row["is_counted_in_part"]:
                found[_ENDED] = _between(row["first_ended"], row["last_ended"])
    if are_many:
        found[_LIVING] = found.get(_LIVING, {}) | await _of_person(conn, tenant_id, where)
    return found


async def _of_person(conn: Connection, tenant_id: UUID, where: OperationQuery) -> dict[str, Any]:
    """The ids of the live operations of the person asked for; nothing when they are not, or one id is anyway."""
    if where.user_id is None or _as_id(where.q) is not None:
        return {}
    rows = await queries.of_person.rows(conn, tenant_id=tenant_id, user_id=where.user_id)
    return {"only_ids": [row["id"] for row in rows]}


def _between(first: UUID | None, last: UUID | None) -> dict[str, Any]:
    bounds = {"from_id": first, "to_id": UUID(int=last.int + 1) if last is not None else None}
    return {name: id_ for name, id_ in bounds.items() if id_ is not None}


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
