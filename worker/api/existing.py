"""What a path names has to be there: a list of nothing would look as if all were well."""

from uuid import UUID

from worker.domain.errors import NotFound
from worker.security import Principal
from worker.store import connectors
from worker.store.pool import Connection


async def must_exist(conn: Connection, who: Principal, connector_id: UUID) -> None:
    """Raise NotFound unless the tenant has this connector."""
    if await connectors.get(conn, tenant_id=who.tenant_id, connector_id=connector_id) is None:
        raise NotFound(f"There is no connector {connector_id}.")
