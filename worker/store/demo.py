"""What the demo organisation does to its own database and no daemon ever does: it sets the stage."""

from typing import Any
from uuid import UUID

from worker.store.pool import Connection, connect
from worker.store.sql import load

queries = load("demo")


async def set_config(conn: Connection, *, tenant_id: UUID, connector_id: UUID, config: dict[str, Any]) -> None:
    """Point a connector at another address."""
    await queries.set_config.run(conn, tenant_id=tenant_id, connector_id=connector_id, config=config)


async def is_provisioned(conn: Connection, *, tenant_id: UUID) -> bool:
    """Whether a tenant's first provisioning is over: nothing moves by itself any more."""
    return bool(await queries.is_provisioned.value(conn, tenant_id=tenant_id))


async def lose_account(conn: Connection, *, tenant_id: UUID, connector_id: UUID, uid: str) -> None:
    """Forget an account record, as a restored backup would."""
    await queries.lose_account.run(conn, tenant_id=tenant_id, connector_id=connector_id, uid=uid)


async def run_script(dsn: str, script: str) -> None:
    """Run statements on another database: the table of an application that is not ours."""
    conn = await connect(dsn, application="provisiond set-up")
    try:
        await conn.execute(script)
    finally:
        await conn.close()
