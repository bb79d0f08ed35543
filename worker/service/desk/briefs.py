"""Small pieces that several views have: connectors in brief, one attribute on both sides."""

from typing import Any
from uuid import UUID

from worker.console.views import AttributeChange, ConnectorBrief
from worker.domain.connector import BreakerState, ConnectorStatus
from worker.domain.redaction import is_secret
from worker.store import listings_targets
from worker.store.pool import Connection
from worker.store.sql import Record


async def briefs(conn: Connection, tenant_id: UUID) -> dict[UUID, ConnectorBrief]:
    """All connectors by id, in the order of their names."""
    return {row["id"]: brief_of(row) for row in await listings_targets.connectors(conn, tenant_id)}


def brief_of(row: Record) -> ConnectorBrief:
    """A connector as far as other pages mention it."""
    return ConnectorBrief(
        id=row["id"],
        name=row["name"],
        type=row["type"],
        status=ConnectorStatus(row["status"]),
        breaker=BreakerState(row["breaker_state"]),
        breaker_since=row["breaker_opened_at"],
        last_error=row["last_error"],
        last_success_at=row["last_success_at"],
    )


def gone(connector_id: UUID) -> ConnectorBrief:
    """What is shown for a connector that was deleted."""
    return ConnectorBrief(connector_id, "deleted connector", "", ConnectorStatus.INACTIVE)


def change(name: str, before: Any, after: Any) -> AttributeChange:
    """One attribute on both sides, secrets hidden."""
    if is_secret(name):
        return AttributeChange(name, is_secret=True)
    return AttributeChange(name, before, after)
