"""Letting go of what reconciliation and correlation have kept for long enough, some rows a transaction.

Each function deletes up to ``limit`` rows of one tenant that were over before a moment, and says how many. Every
caller's transaction is short: nobody at work waits behind it.
"""

from datetime import datetime
from uuid import UUID

from worker.store.pool import Connection
from worker.store.sql import load

queries = load("retention")


async def drop_findings(conn: Connection, tenant_id: UUID, *, before: datetime, limit: int) -> int:
    """Findings that were settled before; open ones and ignored ones stay."""
    return await queries.findings.run(conn, tenant_id=tenant_id, before=before, limit=limit)


async def drop_proposals(conn: Connection, tenant_id: UUID, *, before: datetime, limit: int) -> int:
    """What dry runs proposed."""
    where = {"tenant_id": tenant_id, "before": before, "before_id": _first_id(before)}
    return await queries.proposals.run(conn, limit=limit, **where)


async def drop_actions(conn: Connection, tenant_id: UUID, *, before: datetime, limit: int) -> int:
    """What was done about findings that are not there any more."""
    where = {"tenant_id": tenant_id, "before": before, "before_id": _first_id(before)}
    return await queries.actions.run(conn, limit=limit, **where)


async def drop_runs(conn: Connection, tenant_id: UUID, *, before: datetime, limit: int, kept: int) -> int:
    """Runs that are over; not those of open findings, nor the last ``kept`` good ones of a connector, kind and mode."""
    where = {"tenant_id": tenant_id, "before": before, "before_id": _first_id(before)}
    return await queries.runs.run(conn, limit=limit, kept=kept, **where)


async def drop_cases(conn: Connection, tenant_id: UUID, *, before: datetime, limit: int) -> int:
    """Cases that were decided before; decisions stay."""
    where = {"tenant_id": tenant_id, "before": before, "before_id": _first_id(before)}
    return await queries.cases.run(conn, limit=limit, **where)


def _first_id(moment: datetime) -> UUID:
    """Behind every id that was made before this moment."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
