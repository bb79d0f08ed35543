"""Nobody stays forgotten at a target that could not be planned for, or that is planned for otherwise by now.

Planning leaves a target alone that is inactive or whose scope or mapping cannot be used, and goes on with the others.
Once it can be planned for again, and whenever its scope, mapping, policy or leave to write back is another, everybody
whom it concerns is asked for again: a page each time that planning runs, between the batches of those who wait anyway.
Those are the people in its scope and those who have an account there, found in the database; for several targets at
once it is everybody.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from xxhash import xxh3_64_intdigest

from worker.domain import filters
from worker.domain.connector import Connector
from worker.domain.filters import Filter
from worker.domain.mapping import MappingVersion
from worker.domain.precedence import FLOW_BACK
from worker.mapping import check_rules
from worker.planning.batch import Target
from worker.store import planned_targets, tenant
from worker.store.planned_targets import PlannedTarget
from worker.store.pool import Pool

#: People asked for in one transaction.
PAGE = 10_000


async def ask_again(pool: Pool, tenant_id: UUID, targets: Sequence[Target], *, known: Sequence[PlannedTarget]) -> None:
    """Ask for the next page of everybody, where that is needed: ``known`` is what the targets were planned with."""
    fresh = renewed(targets, known)
    if fresh:
        async with tenant.tenant(pool, tenant_id, is_growing=True) as conn:
            await planned_targets.begin(conn, tenant_id=tenant_id, bases=fresh)
    if fresh or any(each.is_behind for each in known):
        async with tenant.tenant(pool, tenant_id, is_growing=True) as conn:
            await planned_targets.ask_next(conn, tenant_id=tenant_id, limit=PAGE, scopes=_scopes(targets))


def _scopes(targets: Iterable[Target]) -> dict[UUID, Filter | None]:
    connectors = [target.connector for target in targets]
    return {each.id: filters.parse(each.scope) if each.scope else None for each in connectors}


def renewed(targets: Iterable[Target], known: Sequence[PlannedTarget]) -> dict[UUID, int]:
    """The new basis of targets that can be planned for and are not planned with it yet."""
    before = {each.connector_id: each.basis for each in known}
    found = {}
    for target in targets:
        if target.mapping is None:
            continue
        basis = basis_of(target.connector, target.mapping)
        if before.get(target.connector.id) != basis and not check_rules(target.mapping.rules):
            found[target.connector.id] = basis
    return found


def basis_of(connector: Connector, mapping: MappingVersion) -> int:
    """What decides who is planned at a target and how, as a signed 64-bit number."""
    parts: tuple[object, ...] = (connector.object_class, connector.scope, connector.deprovision.value, mapping.version)
    if connector.settings.get(FLOW_BACK, False):
        parts = (*parts, FLOW_BACK)
    text = repr(parts)
    digest: int = xxh3_64_intdigest(text.encode())
    return digest - (1 << 64) if digest >> 63 else digest
