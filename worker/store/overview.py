"""The whole at a glance, for ``/status`` and the gauges: tenant by tenant, never across them in one statement."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from worker.store import listings, tenant, workers
from worker.store.pool import Connection
from worker.store.sql import load

queries = load("overview")


@dataclass(slots=True)
class Depth:
    """Live operations by shown status and by target, the oldest pending one, since when a claim has been held; dead
    letters, cases and events that wait; processes at work. Targets of several tenants with one name are one."""

    by_status: Counter[str] = field(default_factory=Counter)
    by_target: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_tenant: dict[UUID, Counter[str]] = field(default_factory=dict)
    oldest_pending: datetime | None = None
    held_since: datetime | None = None
    dead_letters: Counter[str] = field(default_factory=Counter)
    open_cases: Counter[str] = field(default_factory=Counter)
    inbox: int = 0
    workers: int = 0


async def depth(conn: Connection, *, only: UUID | None = None) -> Depth:
    """Count what waits, over all tenants or of one; large numbers are not counted row by row (``listings.waiting``).

    A tenant that has nothing to do costs one statement.
    """
    found = Depth()
    for row in await queries.house.rows(conn, only=only):
        found.workers = row["at_work"]
        if row["id"] is not None:
            async with tenant.transaction(conn, row["id"]):
                await _add(conn, row["id"], found)
    return found


async def _add(conn: Connection, tenant_id: UUID, found: Depth) -> None:
    found.by_tenant[tenant_id] = Counter()
    rows = await queries.waits.rows(conn, tenant_id=tenant_id)
    for row in rows:
        match row["what"]:
            case "dead_letters":
                found.dead_letters[row["connector"]] += row["n"]
            case "open_cases":
                found.open_cases[row["connector"]] += row["n"]
            case "inbox":
                found.inbox += row["n"]
    if any(row["n"] for row in rows if row["what"] == "operations"):
        names = {row["connector_id"]: row["connector"] for row in rows}
        await _add_operations(conn, tenant_id, names, found)


async def _add_operations(conn: Connection, tenant_id: UUID, names: dict[UUID, str], found: Depth) -> None:
    waiting = await listings.waiting(conn, tenant_id)
    of_tenant = found.by_tenant[tenant_id]
    for (connector_id, status), n in waiting.by_target.items():
        of_tenant[status] += n
        found.by_target[names.get(connector_id, "deleted connector"), status] += n
    found.by_status += of_tenant
    found.oldest_pending = min(filter(None, (found.oldest_pending, waiting.oldest_pending)), default=None)
    await listings.custom_plans(conn)
    held = await queries.held_since.value(conn, tenant_id=tenant_id, all_noted=await workers.all_noted(conn))
    found.held_since = min(filter(None, (found.held_since, held)), default=None)


@dataclass(frozen=True, slots=True)
class Storage:
    """How the queue's table is kept: rows by PostgreSQL's own estimate; whose snapshot is oldest (``kind`` ours, other,
    prepared or slot; None when there is none); the days that history has partitions of."""

    live_rows: int
    dead_rows: int
    vacuumed_at: datetime | None
    horizon: dict[str, Any] | None
    first_day: date | None
    last_day: date | None


#: Of whose snapshot is oldest.
_HORIZON = ("kind", "pid", "application", "state", "transactions", "seconds")


async def storage(conn: Connection) -> Storage:
    """Ask the statistics; nothing of it depends on how much there is."""
    row = await queries.storage.row(conn)
    if row is None:
        raise LookupError("history has days, or it has none: that is a row")
    return Storage(
        live_rows=row["live_rows"] or 0,
        dead_rows=row["dead_rows"] or 0,
        vacuumed_at=row["vacuumed_at"],
        horizon={name: row[name] for name in _HORIZON} if row["kind"] else None,
        first_day=row["first_day"],
        last_day=row["last_day"],
    )


async def status(conn: Connection, *, only: UUID | None = None) -> dict[str, Any]:
    """What ``/status`` shows: workers, depth of the queue, targets by tenant; no data of people.

    ``only``: of other tenants than this nothing, not even that they exist.
    """
    alive = [_plain(dict(row)) for row in await queries.workers.rows(conn)]
    waiting = await depth(conn, only=only)
    tenants = []
    for row in await queries.tenants.rows(conn, only=only):
        async with tenant.transaction(conn, row["id"]):
            connectors = await queries.connectors.rows(conn, tenant_id=row["id"])
        queue = dict(waiting.by_tenant.get(row["id"], {}))
        tenants.append({"name": row["name"], "queue": queue, "connectors": [_plain(dict(each)) for each in connectors]})
    # Whose sessions there are is for those alone who have the machine.
    kept = {"storage": _plain(asdict(await storage(conn)))} if only is None else {}
    return {
        **kept,
        "workers": alive,
        "queue": {**waiting.by_status, "dead_letter": sum(waiting.dead_letters.values()), "inbox": waiting.inbox},
        "tenants": tenants,
    }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)
        for name, value in row.items()
    }
