"""What a batch of repairs is decided from: findings, accounts, people, the mapping; a handful of statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from worker.domain.connector import Connector
from worker.domain.discrepancy import Discrepancy
from worker.domain.errors import NotFound
from worker.domain.mapping import Direction, MappingRule
from worker.domain.protection import Protects, protection
from worker.recon.proposals import Known, Proposal, Refusal, Wish, propose
from worker.store import accounts, connectors, discrepancies, identities, mappings
from worker.store.accounts import Place, Shadow
from worker.store.identities import StoredIdentity
from worker.store.pool import Connection


@dataclass(frozen=True, slots=True)
class Batch:
    """Findings, locked, with all that is known about them."""

    connector: Connector
    place: Place
    found: Mapping[UUID, Discrepancy]
    shadows: Mapping[UUID, Shadow]
    people: Mapping[UUID, StoredIdentity]
    inbound: tuple[MappingRule, ...]
    protects: Protects | None

    @property
    def name(self) -> str:
        return self.connector.name


async def read_batch(conn: Connection, *, tenant_id: UUID, connector_id: UUID, wishes: Sequence[Wish]) -> Batch:
    """Lock the findings and read what they are about; raises NotFound for an unknown connector."""
    connector = await connectors.get(conn, tenant_id=tenant_id, connector_id=connector_id)
    if connector is None:
        raise NotFound(f"There is no connector {connector_id}.")
    found = await discrepancies.lock(
        conn, tenant_id=tenant_id, connector_id=connector_id, ids=[wish.discrepancy_id for wish in wishes]
    )
    account_ids = [each.finding.account_id for each in found.values() if each.finding.account_id]
    return Batch(
        connector=connector,
        place=Place(tenant_id, connector_id, connector.object_class),
        found=found,
        shadows=await accounts.by_ids(conn, tenant_id=tenant_id, ids=account_ids),
        people=await identities.get(conn, tenant_id=tenant_id, ids=_people(found, wishes)),
        inbound=await _inbound(conn, connector),
        protects=protection(connector.protected_filter),
    )


def decide(batch: Batch, wish: Wish) -> Proposal | Refusal:
    """What becomes of one wish."""
    discrepancy = batch.found.get(wish.discrepancy_id)
    if discrepancy is None:
        return Refusal(wish.discrepancy_id, "There is no such discrepancy.")
    account_id, identity_id = discrepancy.finding.account_id, _meant(discrepancy, wish)
    shadow = batch.shadows.get(account_id) if account_id else None
    known = Known(
        connector=batch.connector,
        account=shadow.account if shadow else None,
        identity=batch.people.get(identity_id) if identity_id else None,
        inbound=batch.inbound,
        protects=batch.protects,
    )
    return propose(discrepancy, wish, known=known)


async def _inbound(conn: Connection, connector: Connector) -> tuple[MappingRule, ...]:
    active = await mappings.active(conn, tenant_id=connector.tenant_id, connector_ids=[connector.id])
    mapping = active.get((connector.id, connector.object_class))
    return tuple(rule for rule in (mapping.rules if mapping else ()) if rule.direction is not Direction.OUTBOUND)


def _people(found: Mapping[UUID, Discrepancy], wishes: Sequence[Wish]) -> list[UUID]:
    meant = {_meant(found[wish.discrepancy_id], wish) for wish in wishes if wish.discrepancy_id in found}
    return [each for each in meant if each is not None]


def _meant(discrepancy: Discrepancy, wish: Wish) -> UUID | None:
    """Whom a wish is about: named in it, or in the finding, or in its first suggestion."""
    finding = discrepancy.finding
    suggested = finding.suggestions[0].identity_id if finding.suggestions else None
    return wish.identity_id or finding.identity_id or suggested
