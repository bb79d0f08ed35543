"""Connectors as stored. Credentials are sealed before they come here and leave sealed; no list carries them."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.domain.connector import BreakerState, Connector, ConnectorStatus, DeprovisionPolicy, Limits
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("connectors")

_LIMITS = frozenset(each.name for each in fields(Limits))


async def get(conn: Connection, *, tenant_id: UUID, connector_id: UUID) -> Connector | None:
    found = await _find(conn, tenant_id, ids=[connector_id])
    return found[0] if found else None


async def by_name(conn: Connection, *, tenant_id: UUID, name: str) -> Connector | None:
    found = await _find(conn, tenant_id, name=name)
    return found[0] if found else None


async def by_ids(conn: Connection, *, tenant_id: UUID, connector_ids: Sequence[UUID]) -> list[Connector]:
    return await _find(conn, tenant_id, ids=list(connector_ids))


async def everyone(conn: Connection, *, tenant_id: UUID) -> list[Connector]:
    """All of a tenant, by name."""
    return await _find(conn, tenant_id)


async def targets(conn: Connection, *, tenant_id: UUID) -> list[Connector]:
    """Targets that are planned for: a sick one and one in maintenance too, for their operations only wait."""
    return await _find(conn, tenant_id, only_targets=True, only_active=True)


async def sources(conn: Connection, *, tenant_id: UUID) -> list[Connector]:
    """Sources that are not switched off."""
    return await _find(conn, tenant_id, only_sources=True, only_active=True)


async def insert(
    conn: Connection, connector: Connector, *, description: str = "", credentials: bytes | None = None
) -> None:
    """Store a new connector; a taken name breaks the unique index connectors_name."""
    await queries.insert.run(
        conn,
        tenant_id=connector.tenant_id,
        type=connector.type,
        description=description,
        credentials=credentials,
        **_editable(connector),
    )


async def update(conn: Connection, connector: Connector) -> int | None:
    """Write what a person edits if the stored version is still that of ``connector``; the new version, or None."""
    found = await queries.update.value(
        conn, tenant_id=connector.tenant_id, version=connector.version, **_editable(connector)
    )
    return None if found is None else int(found)


async def set_status(conn: Connection, *, tenant_id: UUID, connector_id: UUID, status: ConnectorStatus) -> bool:
    """Whether this changed it."""
    return bool(await queries.set_status.run(conn, tenant_id=tenant_id, id=connector_id, status=status.value))


async def credentials(conn: Connection, *, tenant_id: UUID, connector_id: UUID) -> bytes | None:
    """The sealed credentials."""
    found: bytes | None = await queries.credentials.value(conn, tenant_id=tenant_id, id=connector_id)
    return found


async def set_credentials(conn: Connection, *, tenant_id: UUID, connector_id: UUID, sealed: bytes | None) -> None:
    await queries.set_credentials.run(conn, tenant_id=tenant_id, id=connector_id, sealed=sealed)


async def sync_token(conn: Connection, *, tenant_id: UUID, connector_id: UUID) -> str | None:
    """Where the last delta, or the last look at a watched file, ended."""
    found: str | None = await queries.sync_token.value(conn, tenant_id=tenant_id, id=connector_id)
    return found


async def set_sync_token(conn: Connection, *, tenant_id: UUID, connector_id: UUID, token: str | None) -> None:
    await queries.set_sync_token.run(conn, tenant_id=tenant_id, id=connector_id, token=token)


async def set_baseline(conn: Connection, *, tenant_id: UUID, connector_id: UUID) -> bool:
    """Note the first complete listing; whether it was the first."""
    return bool(await queries.set_baseline.run(conn, tenant_id=tenant_id, id=connector_id))


async def note_success(conn: Connection, *, tenant_id: UUID, connector_id: UUID) -> None:
    await queries.note_success.run(conn, tenant_id=tenant_id, id=connector_id)


async def note_error(conn: Connection, *, tenant_id: UUID, connector_id: UUID, message: str) -> None:
    await queries.note_error.run(conn, tenant_id=tenant_id, id=connector_id, message=message[:1000])


async def breaker(conn: Connection, *, tenant_id: UUID, connector_id: UUID) -> Record | None:
    """(breaker_state, breaker_failures, breaker_opened_at, breaker_probe_at)."""
    return await queries.breaker.row(conn, tenant_id=tenant_id, id=connector_id)


async def set_breaker(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    state: BreakerState,
    failures: int,
    opened_at: datetime | None,
    probe_at: datetime | None,
) -> None:
    await queries.set_breaker.run(
        conn,
        tenant_id=tenant_id,
        id=connector_id,
        state=state.value,
        failures=failures,
        opened_at=opened_at,
        probe_at=probe_at,
    )


async def claim_probe(conn: Connection, *, tenant_id: UUID, connector_id: UUID, every_s: float) -> bool:
    """Take the right to probe an open target; False when another has it, or it is not open."""
    return bool(await queries.claim_probe.run(conn, tenant_id=tenant_id, id=connector_id, every_s=every_s))


async def _find(
    conn: Connection,
    tenant_id: UUID,
    *,
    ids: list[UUID] | None = None,
    name: str | None = None,
    only_targets: bool = False,
    only_sources: bool = False,
    only_active: bool = False,
) -> list[Connector]:
    rows = await queries.find.rows(
        conn,
        tenant_id=tenant_id,
        ids=ids,
        name=name,
        only_targets=only_targets,
        only_sources=only_sources,
        only_active=only_active,
    )
    return [from_row(row) for row in rows]


def from_row(row: Record) -> Connector:
    return Connector(
        tenant_id=row["tenant_id"],
        id=row["id"],
        name=row["name"],
        type=row["type"],
        config=row["config"],
        status=ConnectorStatus(row["status"]),
        is_target=row["is_target"],
        is_source=row["is_source"],
        object_class=row["object_class"],
        # A limit that a newer version knows is not an error here.
        limits=Limits(**{name: value for name, value in row["limits"].items() if name in _LIMITS}),
        scope=row["scope"],
        deprovision=DeprovisionPolicy(row["deprovision"]),
        protected_filter=row["protected_filter"],
        policy=row["policy"],
        settings=row["settings"],
        has_baseline=row["has_baseline"],
        breaker=BreakerState(row["breaker_state"]),
        version=row["version"],
    )


def _editable(connector: Connector) -> dict[str, Any]:
    return {
        "id": connector.id,
        "name": connector.name,
        "config": connector.config,
        "status": connector.status.value,
        "is_target": connector.is_target,
        "is_source": connector.is_source,
        "object_class": connector.object_class,
        "limits": asdict(connector.limits),
        "scope": connector.scope,
        "deprovision": connector.deprovision.value,
        "protected_filter": connector.protected_filter,
        "policy": connector.policy,
        "settings": connector.settings,
    }
