"""The target that an act is about."""

from uuid import UUID

from worker.domain.connector import Connector
from worker.domain.errors import NotFound, WrongState
from worker.store import connectors
from worker.store.pool import Connection


async def the_target(conn: Connection, tenant_id: UUID, connector_id: UUID) -> Connector:
    """Raises NotFound, and WrongState for a connector that is not a target."""
    connector = await connectors.get(conn, tenant_id=tenant_id, connector_id=connector_id)
    if connector is None:
        raise NotFound(f"There is no connector {connector_id}.")
    if not connector.is_target:
        raise WrongState(f"{connector.name} is a source only: it has no accounts to map or to correlate.")
    return connector
