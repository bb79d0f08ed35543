"""What repairs of findings would change, with what an account that is to be made would be."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from worker.actions.house import House
from worker.domain.connector import Connector
from worker.domain.discrepancy import RepairAction
from worker.domain.errors import HookError, InvalidRequest, NotFound
from worker.domain.identity import Identity
from worker.domain.mapping import MappingVersion
from worker.domain.redaction import MARK
from worker.mapping import Mapped, MappingEngine
from worker.recon import Repaired, Wish
from worker.security import Principal, Role, require
from worker.store import connectors, discrepancies, identities, mappings
from worker.store.pool import Connection
from worker.store.tenant import tenant

MOST_TOGETHER = 100


async def preview(
    house: House, principal: Principal, *, connector_id: UUID, wishes: Sequence[Wish]
) -> tuple[Repaired, ...]:
    """The true before and after of each; nothing is written. Raises NotFound, InvalidRequest for too many.

    An account that is to be made is shown as its mapping makes it now, without its secrets. Where that needs scripts
    and this process runs none, it is shown as far as it is known.
    """
    require(principal.roles, Role.VIEWER)
    if not 1 <= len(wishes) <= MOST_TOGETHER:
        raise InvalidRequest(f"Choose between 1 and {MOST_TOGETHER} discrepancies.")
    async with tenant(house.pool, principal.tenant_id) as conn:
        connector = await connectors.get(conn, tenant_id=principal.tenant_id, connector_id=connector_id)
        if connector is None:
            raise NotFound(f"There is no connector {connector_id}.")
        found = await house.remediation.preview(
            conn, tenant_id=principal.tenant_id, connector_id=connector_id, wishes=wishes
        )
        people = await _people(conn, connector, found)
        mapping = await _mapping(conn, connector) if people else None
    made = await _made(house, people, mapping) if mapping else {}
    return tuple(_with_account(each, made.get(each.discrepancy_id)) for each in found)


async def _people(conn: Connection, connector: Connector, found: Sequence[Repaired]) -> dict[UUID, Identity]:
    """Whose account would be made, by finding."""
    ids = [each.discrepancy_id for each in found if each.success and each.action is RepairAction.CREATE]
    if not ids:
        return {}
    known = await discrepancies.get(conn, tenant_id=connector.tenant_id, connector_id=connector.id, ids=ids)
    owners = {id_: each.finding.identity_id for id_, each in known.items()}
    people = await identities.get(
        conn, tenant_id=connector.tenant_id, ids=[owner for owner in owners.values() if owner is not None]
    )
    return {id_: people[owner].as_identity() for id_, owner in owners.items() if owner in people}


async def _mapping(conn: Connection, connector: Connector) -> MappingVersion | None:
    active = await mappings.active(conn, tenant_id=connector.tenant_id, connector_ids=[connector.id])
    return active.get((connector.id, connector.object_class))


async def _made(
    house: House, people: dict[UUID, Identity], mapping: MappingVersion
) -> dict[UUID, dict[str, Any] | str]:
    """The attributes of each new account, or why there can be none; no connection is held meanwhile."""
    if house.scripts is None and any(rule.expression is not None for rule in mapping.rules):
        return {}
    try:
        results = await MappingEngine(house.scripts).map_identities(list(people.values()), mapping=mapping)
    except HookError:
        return {}
    made: dict[UUID, dict[str, Any] | str] = {}
    for id_, mapped in zip(people, results, strict=True):
        if isinstance(mapped, Mapped):
            values = mapped.for_create()
            made[id_] = {name: MARK if name in mapped.secrets else value for name, value in values.items()}
        else:
            made[id_] = f"{mapped.target}: {mapped.message}"
    return made


def _with_account(found: Repaired, made: dict[str, Any] | str | None) -> Repaired:
    if made is None:
        return found
    if isinstance(made, str):
        return replace(found, result="failure", error=made, changes={}, after_state=None)
    after = {**made, "active": True}
    changes = {name: {"before": None, "after": value} for name, value in sorted(after.items())}
    return replace(found, after_state=after, changes=changes)
