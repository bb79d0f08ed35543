"""What people do with the scope of a target: who has an account there at all."""

from dataclasses import dataclass, replace
from uuid import UUID

from worker.actions.house import House, acting, refuse_outdated
from worker.actions.targets import the_target
from worker.domain import filters
from worker.domain.comparison import fold_case
from worker.domain.connector import Connector
from worker.domain.errors import InvalidRequest, Outdated
from worker.domain.filters import FIXED
from worker.mapping import suggest
from worker.security import Principal, Role, require
from worker.store import connectors, due_work, mappings
from worker.store import filters as people_of
from worker.store.filters import Count
from worker.store.tenant import tenant


@dataclass(frozen=True, slots=True)
class ScopeCount:
    """Who would be in a scope and who is now; ``enabled`` people are those who may have active accounts.

    ``doubt``: a name that looks misspelt, in a sentence; such a scope is not taken unasked.
    """

    scope: Count
    now: Count
    doubt: str | None = None


async def count(house: House, principal: Principal, *, connector_id: UUID, scope: str | None) -> ScopeCount:
    """How many people a scope would take in, beside how many are in the present one.

    Raises NotFound, InvalidFilter for the scope that is asked for.
    """
    require(principal.roles, Role.VIEWER)
    wanted = filters.parse(scope) if scope else None
    async with tenant(house.pool, principal.tenant_id) as conn:
        connector = await the_target(conn, principal.tenant_id, connector_id)
        found = await people_of.count(conn, tenant_id=principal.tenant_id, scope=wanted)
        present = filters.parse(connector.scope) if connector.scope else None
        now = await people_of.count(conn, tenant_id=principal.tenant_id, scope=present)
        known = await mappings.attribute_names(conn, tenant_id=principal.tenant_id)
    return ScopeCount(found, now, _misspelt(filters.attribute_names(wanted), known) if wanted else None)


async def change(
    house: House,
    principal: Principal,
    *,
    connector_id: UUID,
    scope: str | None,
    seen: int | None = None,
    sources_may_be_new: bool = False,
) -> Connector:
    """Give a target another scope (None takes in everybody), and have those planned whom it concerns.

    ``seen`` is the version of the connector that the person saw. Raises NotFound, Outdated, InvalidFilter, and
    InvalidRequest for an attribute that looks misspelt, unless ``sources_may_be_new``.
    """
    wanted = scope.strip() if scope and scope.strip() else None
    tree = filters.parse(wanted) if wanted else None
    async with acting(house, principal, Role.ADMIN) as act:
        connector = await the_target(act.conn, act.tenant_id, connector_id)
        refuse_outdated(connector.version, seen=seen)
        if tree is not None and not sources_may_be_new:
            known = await mappings.attribute_names(act.conn, tenant_id=act.tenant_id)
            if doubt := _misspelt(filters.attribute_names(tree), known):
                raise InvalidRequest(doubt)
        version = await connectors.update(act.conn, replace(connector, scope=wanted))
        if version is None:
            raise Outdated
        await due_work.ask(act.conn, act.tenant_id, due_work.Kind.PLAN, act.tenant_id)
        act.note("connector.scope", "connector", connector_id, name=connector.name, was=connector.scope, scope=wanted)
    return replace(connector, scope=wanted, version=version)


def _misspelt(names: frozenset[str], known: frozenset[str]) -> str | None:
    """A misspelt name takes in nobody, and everybody would lose their accounts."""
    if not known:
        return None
    spelt = {fold_case(name) for name in (*known, *FIXED)}
    for name in sorted(names):
        meant = suggest(name, sorted({*known, *FIXED})) if fold_case(name) not in spelt else ""
        if meant:
            return f"Nobody has an attribute {name!r}{meant}"
    return None
