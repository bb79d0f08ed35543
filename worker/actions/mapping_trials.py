"""What people try with a mapping before it is activated: on some people at once, or on everybody in the background."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from worker.actions.house import House, acting
from worker.actions.mappings import Written, active_of, invalid, review, the_version
from worker.actions.targets import the_target
from worker.domain import filters
from worker.domain.connector import Connector
from worker.domain.errors import InvalidRequest, NotFound, WrongState
from worker.domain.mapping import MappingVersion
from worker.mapping import MappingEngine
from worker.planning import Foretold, foretell, target_of
from worker.security import Principal, Role, require
from worker.store import filters as people_of
from worker.store import identities, mapping_previews, mappings
from worker.store.mapping_previews import Preview
from worker.store.pool import Connection
from worker.store.tenant import tenant

#: People of one trial at most.
MOST = 50


@dataclass(frozen=True, slots=True)
class Trial:
    """What to try: rules, or a stored version, or (neither) the active one; on these people, or on so many of a sample.

    ``scope`` is a filter to try in place of the connector's; ``seed`` makes another sample.
    """

    written: Written | None = None
    version: int | None = None
    identity_ids: tuple[UUID, ...] = ()
    sample: int = 5
    seed: int = 0
    scope: str | None = None


async def try_out(house: House, principal: Principal, *, connector_id: UUID, trial: Trial) -> list[Foretold]:
    """What would become of some people's accounts; nothing is written. Unknown people are left out.

    Raises NotFound, InvalidRequest, InvalidFilter, InvalidMapping.
    """
    require(principal.roles, Role.OPERATOR)
    if len(trial.identity_ids) > MOST or not 1 <= trial.sample <= MOST:
        raise InvalidRequest(f"Try it on 1 to {MOST} people.")
    async with tenant(house.pool, principal.tenant_id) as conn:
        connector = await the_target(conn, principal.tenant_id, connector_id)
    mapping = await _mapping(house, principal, connector, trial)
    tried = replace(connector, scope=connector.scope if trial.scope is None else trial.scope or None)
    async with tenant(house.pool, principal.tenant_id) as conn:
        ids = trial.identity_ids or await _sample(conn, principal.tenant_id, tried, trial)
        known = await identities.get(conn, tenant_id=principal.tenant_id, ids=ids)
        accounts = await mapping_previews.accounts_of(
            conn,
            tenant_id=principal.tenant_id,
            connector_id=connector.id,
            object_class=connector.object_class,
            identity_ids=ids,
        )
    found = await foretell(
        [known[each] for each in dict.fromkeys(ids) if each in known],
        target=target_of(tried, mapping),
        accounts=accounts,
        mapper=MappingEngine(house.scripts),
        vault=house.vault,
        tenant_id=principal.tenant_id,
    )
    return [each for each, _ in found]


async def rehearse(
    house: House, principal: Principal, *, connector_id: UUID, version: int, scope: str | None = None
) -> Preview:
    """Have it counted in the background what activating a version would do. Raises NotFound, InvalidFilter.

    One that is on its way for the same target is given up for it.
    """
    if scope:
        filters.parse(scope)
    async with acting(house, principal, Role.OPERATOR) as act:
        connector = await the_target(act.conn, act.tenant_id, connector_id)
        await mappings.lock(act.conn, tenant_id=act.tenant_id, connector_id=connector_id)
        await the_version(act.conn, act.tenant_id, connector, version)
        now = await active_of(act.conn, act.tenant_id, connector)
        preview_id = await mapping_previews.start(
            act.conn,
            tenant_id=act.tenant_id,
            connector_id=connector_id,
            object_class=connector.object_class,
            version=version,
            base_version=now.version if now else None,
            scope=scope,
            created_by=act.by,
        )
        act.note("mapping.dry_run", "connector", connector_id, name=connector.name, version=version)
        return await _preview(act.conn, act.tenant_id, connector_id, preview_id)


async def cancel(house: House, principal: Principal, *, connector_id: UUID, preview_id: UUID) -> Preview:
    """Stop a dry run. Raises NotFound, and WrongState for one that is over."""
    async with acting(house, principal, Role.OPERATOR) as act:
        found = await _preview(act.conn, act.tenant_id, connector_id, preview_id)
        if not await mapping_previews.cancel(act.conn, tenant_id=act.tenant_id, preview_id=preview_id):
            raise WrongState(f"This dry run is {found.status} already.")
        act.note("mapping.dry_run_cancel", "connector", connector_id, version=found.version)
        return await _preview(act.conn, act.tenant_id, connector_id, preview_id)


async def preview(house: House, principal: Principal, *, connector_id: UUID, preview_id: UUID) -> Preview:
    """One dry run as it is now. Raises NotFound."""
    require(principal.roles, Role.VIEWER)
    async with tenant(house.pool, principal.tenant_id) as conn:
        return await _preview(conn, principal.tenant_id, connector_id, preview_id)


async def _preview(conn: Connection, tenant_id: UUID, connector_id: UUID, preview_id: UUID) -> Preview:
    found = await mapping_previews.get(conn, tenant_id=tenant_id, preview_id=preview_id)
    if found is None or found.connector_id != connector_id:
        raise NotFound(f"There is no dry run {preview_id} of this target.")
    return found


async def _mapping(house: House, principal: Principal, connector: Connector, trial: Trial) -> MappingVersion:
    if trial.written is not None:
        found = await review(house, principal, connector_id=connector.id, written=trial.written)
        if not found.is_sound:
            raise invalid(found.mistakes)
        return MappingVersion(connector.id, connector.object_class, 0, found.rules)
    async with tenant(house.pool, principal.tenant_id) as conn:
        if trial.version is not None:
            return mappings.from_row(await the_version(conn, principal.tenant_id, connector, trial.version))
        now = await active_of(conn, principal.tenant_id, connector)
    if now is None:
        raise WrongState(f"{connector.name} has no active mapping; say which version, or send rules.")
    return now


async def _sample(conn: Connection, tenant_id: UUID, connector: Connector, trial: Trial) -> Sequence[UUID]:
    scope = filters.parse(connector.scope) if connector.scope else None
    return await people_of.sample(conn, tenant_id=tenant_id, scope=scope, limit=trial.sample, seed=trial.seed)
