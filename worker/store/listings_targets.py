"""Connectors with what waits, flows and is wrong there, for cards and the home page; and signs of change."""

from datetime import datetime
from uuid import UUID

from worker.store import listings
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("listings_targets")


async def connectors(conn: Connection, tenant_id: UUID, *, connector_id: UUID | None = None) -> list[Record]:
    """Health of connectors by name; ``lacks_baseline``: nothing is made there before its first complete listing."""
    return await queries.connectors.rows(conn, tenant_id=tenant_id, id=connector_id)


async def dead(conn: Connection, tenant_id: UUID) -> list[Record]:
    """Dead letters: (connector_id, error_code, n, latest), the commonest cause first."""
    return await queries.dead.rows(conn, tenant_id=tenant_id)


async def open_findings(conn: Connection, tenant_id: UUID) -> dict[UUID, dict[str, int]]:
    """Open findings by connector and type."""
    found: dict[UUID, dict[str, int]] = {}
    for row in await queries.open_findings.rows(conn, tenant_id=tenant_id):
        found.setdefault(row["connector_id"], {})[row["discrepancy_type"]] = row["n"]
    return found


async def accounts(conn: Connection, tenant_id: UUID) -> dict[UUID, int]:
    """Accounts that exist, by connector; reads all of them, so keep the answer for a while."""
    rows = await queries.accounts.rows(conn, tenant_id=tenant_id)
    return {row["connector_id"]: row["n"] for row in rows}


async def people(conn: Connection, tenant_id: UUID) -> int:
    """How many identities there are; reads all of them, so keep the answer for a while."""
    return int(await queries.people.value(conn, tenant_id=tenant_id))


async def schedules(conn: Connection, tenant_id: UUID) -> dict[UUID, Record]:
    """The enabled schedule of each connector."""
    return {row["connector_id"]: row for row in await queries.schedules.rows(conn, tenant_id=tenant_id)}


async def badges(conn: Connection, tenant_id: UUID) -> Record:
    """(dead_letters, cases, approvals) that wait for a person."""
    row = await queries.badges.row(conn, tenant_id=tenant_id)
    if row is None:
        raise LookupError("a count has a row")
    return row


async def completed(
    conn: Connection, tenant_id: UUID, *, since: datetime, until: datetime
) -> dict[tuple[UUID, datetime], int]:
    """What completed, by (connector, start of the hour)."""
    await listings.custom_plans(conn)
    rows = await queries.completed.rows(conn, tenant_id=tenant_id, since=since, until=until)
    return {(row["connector_id"], row["hour"]): row["n"] for row in rows}


async def failed(
    conn: Connection, tenant_id: UUID, *, since: datetime, until: datetime
) -> dict[datetime, tuple[int, int]]:
    """(failed tries, those of them that were given up) by start of the hour."""
    await listings.custom_plans(conn)
    rows = await queries.failed.rows(conn, tenant_id=tenant_id, since=since, until=until)
    return {row["hour"]: (row["n"], row["dead"]) for row in rows}


async def markers(conn: Connection, tenant_id: UUID) -> dict[str, str]:
    """A text per topic that changes when something of it does."""
    await listings.custom_plans(conn)
    row = await queries.markers.row(conn, tenant_id=tenant_id)
    return {name: str(value) for name, value in row.items()} if row else {}
