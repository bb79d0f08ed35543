"""What people let a target repair by itself."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from worker.actions.house import House, acting, refuse_outdated
from worker.domain.connector import Connector
from worker.domain.errors import InvalidRequest, NotFound, Outdated
from worker.recon import checked_policy
from worker.security import Principal, Role
from worker.store import connectors


async def change(
    house: House,
    principal: Principal,
    *,
    connector_id: UUID,
    policy: Mapping[str, str | None],
    seen: int | None = None,
) -> Connector:
    """Say which kinds of findings are repaired how without a person; None, and what is left out, waits for one.

    ``seen`` is the version of the connector that the person saw. Raises NotFound, Outdated, InvalidRequest.
    """
    wanted = checked_policy(policy)
    async with acting(house, principal, Role.ADMIN) as act:
        connector = await connectors.get(act.conn, tenant_id=act.tenant_id, connector_id=connector_id)
        if connector is None:
            raise NotFound(f"There is no connector {connector_id}.")
        if not connector.is_target:
            raise InvalidRequest(f"{connector.name} is no target; nothing is repaired there.")
        refuse_outdated(connector.version, seen=seen)
        version = await connectors.update(act.conn, replace(connector, policy=wanted))
        if version is None:
            raise Outdated
        act.note(
            "connector.policy", "connector", connector_id, name=connector.name, was=connector.policy, policy=wanted
        )
    return replace(connector, policy=wanted, version=version)
