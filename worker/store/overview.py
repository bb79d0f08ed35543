"""The whole at a glance, for ``/status`` and the gauges: tenant by tenant, never across them in one statement."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.store import tenant
from worker.store.pool import Connection
from worker.store.sql import load

queries = load("overview")


@dataclass(slots=True)
class Depth:
    """Live operations by shown status, the oldest pending one, and dead letters, cases and events that wait."""

    by_status: Counter[str] = field(default_factory=Counter)
    oldest_pending: datetime | None = None
    dead_letters: Counter[str] = field(default_factory=Counter)
    open_cases: Counter[str] = field(default_factory=Counter)
    inbox: int = 0


async def depth(conn: Connection, *, only: UUID | None = None) -> Depth:
    """Count what waits, over all tenants or of one."""
    found = Depth()
    for row in await queries.tenants.rows(conn, only=only):
        async with tenant.transaction(conn, row["id"]):
            for each in await queries.depth.rows(conn, tenant_id=row["id"]):
                found.by_status[each["status"]] += each["n"]
                if each["status"] == "pending":
                    found.oldest_pending = min(filter(None, (found.oldest_pending, each["oldest"])))
            for each in await queries.dead.rows(conn, tenant_id=row["id"]):
                found.dead_letters[each["connector"]] += each["n"]
            for each in await queries.cases.rows(conn, tenant_id=row["id"]):
                found.open_cases[each["connector"]] += each["n"]
            found.inbox += await queries.inbox.value(conn, tenant_id=row["id"])
    return found


async def status(conn: Connection, *, only: UUID | None = None) -> dict[str, Any]:
    """What ``/status`` shows: workers, depth of the queue, targets by tenant; no data of people.

    ``only``: of other tenants than this nothing, not even that they exist.
    """
    workers = [_plain(dict(row)) for row in await queries.workers.rows(conn)]
    waiting = await depth(conn, only=only)
    tenants = []
    for row in await queries.tenants.rows(conn, only=only):
        async with tenant.transaction(conn, row["id"]):
            connectors = await queries.connectors.rows(conn, tenant_id=row["id"])
        tenants.append({"name": row["name"], "connectors": [_plain(dict(each)) for each in connectors]})
    return {
        "workers": workers,
        "queue": {**waiting.by_status, "dead_letter": sum(waiting.dead_letters.values()), "inbox": waiting.inbox},
        "tenants": tenants,
    }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, str | int | bool | list | None) else str(value) for name, value in row.items()
    }
