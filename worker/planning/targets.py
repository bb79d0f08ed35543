"""A target made ready to plan for, and a batch of people mapped for all of its targets; no transaction is open."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

import structlog

from worker.domain import filters
from worker.domain.account import Account
from worker.domain.comparison import Comparator
from worker.domain.connector import Connector
from worker.domain.identity import Identity
from worker.domain.mapping import MappingVersion
from worker.domain.precedence import FLOW_BACK
from worker.mapping import Mapped, MappingError, inbound_rules
from worker.planning.batch import Batch, Secrets, Target, keepable, secrets_of
from worker.planning.plan import comparator_of
from worker.security import Vault, changed

#: An identity as scopes and mappings read it.
Source = Mapping[str, Any]

log = structlog.get_logger(__name__)


class Mapper(Protocol):
    """What maps identities: ``worker.mapping.MappingEngine``."""

    async def map_identities(
        self, identities: Sequence[Identity], *, mapping: MappingVersion, sources: Sequence[Source] | None = None
    ) -> list[Mapped | MappingError]: ...


def target_of(connector: Connector, mapping: MappingVersion | None) -> Target:
    """A connector ready to plan for. Raises InvalidFilter when its scope cannot be read."""
    scope = filters.compiled(filters.parse(connector.scope)) if connector.scope else _everybody
    comparator = comparator_of(mapping) if mapping else Comparator(())
    return Target(connector, mapping, comparator, scope, _returned(connector, mapping))


async def map_batch(batch: Batch, mapper: Mapper) -> None:
    """Fill in who is in the scope of each target and how they map there."""
    people = [(person.identity, person.identity.as_source()) for person in batch.people]
    for target in batch.targets:
        inside = [one for one in people if target.is_in_scope(one[1])]
        batch.in_scope.append({identity.id for identity, _ in inside})
        mapped = await _map_target(target, [one for one in inside if one[0].active], mapper)
        batch.secrets.append(_secrets_of(mapped) if mapped and target.has_secrets else {})
        batch.mapped.append(_keepable(mapped) if mapped and not target.is_plain else mapped or {})
        if mapped is not None:
            batch.planned_at.append(target.connector.id)


def not_given(vault: Vault, tenant_id: UUID, values: dict[str, Any], account: Account) -> dict[str, Any]:
    """Of values of secret attributes, those that an account was not given yet."""
    known = account.secret_marks or {}
    return changed(values, known=known, vault=vault, tenant_id=tenant_id, account_id=account.id)


async def _map_target(
    target: Target, people: list[tuple[Identity, Source]], mapper: Mapper
) -> dict[UUID, Mapped | MappingError] | None:
    """None where there is nothing to map with: removals need no mapping and are planned all the same."""
    if target.mapping is None:
        return None
    identities, sources = [identity for identity, _ in people], [source for _, source in people]
    try:
        mapped = await mapper.map_identities(identities, mapping=target.mapping, sources=sources)
    except ValueError as error:  # rules that nobody checked
        log.warning("planning.mapping_unusable", connector=target.connector.name, error=str(error))
        return None
    return {result.identity_id: result for result in mapped}


def _keepable(mapped: Mapping[UUID, Mapped | MappingError]) -> dict[UUID, Mapped | MappingError]:
    return {identity_id: keepable(result) for identity_id, result in mapped.items()}


def _secrets_of(mapped: Mapping[UUID, Mapped | MappingError]) -> dict[UUID, Secrets]:
    found = {identity_id: secrets_of(result) for identity_id, result in mapped.items()}
    return {identity_id: secrets for identity_id, secrets in found.items() if secrets is not None}


def _returned(connector: Connector, mapping: MappingVersion | None) -> dict[str, str]:
    """What comes back to people from this target and is written there, too; none where it may flow back."""
    if connector.settings.get(FLOW_BACK, False):
        return {}
    return {rule.target: rule.attribute for rule in inbound_rules(mapping) if rule.is_both}


def _everybody(_source: Mapping[str, Any]) -> bool:
    return True
