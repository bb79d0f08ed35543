"""What one run works with, read once: its target, how accounts are compared, who is protected, who is in scope."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import numpy as np
import numpy.typing as npt

from worker.connectors import ConnectorGuard, ObjectSchema, Target
from worker.correlation import RuleSet, correlating, rule_set_in_force
from worker.domain import filters
from worker.domain.account import TargetAccount
from worker.domain.connector import Connector
from worker.domain.mapping import Direction, MappingVersion
from worker.domain.precedence import FLOW_BACK, UNSHARED, Sharing
from worker.domain.protection import Protects, protection
from worker.domain.run import Run
from worker.mapping import (
    InboundRule,
    account_hash,
    account_hashes,
    comparator_of,
    inbound_rules,
    secret_names,
    secret_sources,
)
from worker.recon.classify import Rules
from worker.store import accounts, correlation, hooks, identity_sources, mappings
from worker.store.hooks import BoundHook
from worker.store.pool import Connection, Pool
from worker.store.tenant import tenant


class TargetSource(Protocol):
    """Knows the targets; ``get`` raises NotFound, or SettingsError for a configuration that cannot work."""

    async def get(self, tenant_id: UUID, connector_id: UUID) -> Target: ...


@dataclass(frozen=True, slots=True)
class View:
    """One target as reconciliation sees it. Without a mapping (``is_mapped``) nobody should have an account there.

    ``secrets`` are the attributes there whose values nobody is told, ``secret_sources`` people's that become such.
    ``hooks`` say whose accounts are.
    """

    place: accounts.Place
    connector: Connector
    guard: ConnectorGuard
    rules: Rules
    rule_set: RuleSet
    protection: Protects | None
    in_scope: filters.Predicate
    is_mapped: bool = True
    inbound: tuple[InboundRule, ...] = ()
    secrets: frozenset[str] = frozenset()
    sharing: Sharing = UNSHARED
    hooks: tuple[BoundHook, ...] = ()
    secret_sources: frozenset[str] = frozenset()

    @property
    def source(self) -> str:
        """What this target is called among those who have a word about people."""
        return str(self.connector.id)

    @property
    def flows_back(self) -> bool:
        """Whether a person allowed that what came from this target is written there as well."""
        return bool(self.connector.settings.get(FLOW_BACK, False))

    def hash_of(self, seen: TargetAccount) -> int:
        """The content hash of an account, the same as planning and execution use."""
        return account_hash(self.rules.comparator, seen.attributes, active=seen.active)

    def hashes_of(self, seen: Sequence[TargetAccount]) -> npt.NDArray[np.int64]:
        """The same of many."""
        return account_hashes(self.rules.comparator, seen)

    def protects(self, seen: TargetAccount) -> bool:
        return self.protection is not None and self.protection(seen)


@dataclass(slots=True)
class RunContext:
    """A run under way. ``facts`` are what its statistics say by now; ``calls`` requests that are not noted yet.

    ``unjudged`` counts objects that could not be judged in this process. ``phase`` was entered, or taken up by this
    process, at the moment ``entered``.
    """

    run: Run
    view: View
    clock_ahead: timedelta = timedelta(0)
    calls: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    unjudged: int = 0
    phase: str = ""
    entered: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.facts = dict(self.run.statistics)
        self.phase = self.run.phase

    @property
    def place(self) -> accounts.Place:
        return self.view.place

    def database_time(self, local: datetime) -> datetime:
        """A moment of this machine's clock on the database's."""
        return local + self.clock_ahead

    def take_calls(self) -> dict[str, int]:
        """The requests made since the last time, as a tally."""
        calls, self.calls = self.calls, 0
        return {"api_calls": calls} if calls else {}


async def view_of(pool: Pool, targets: TargetSource, *, tenant_id: UUID, connector_id: UUID) -> View:
    """Open a view of one target; raises what opening it and asking for its schema raises."""
    target = await targets.get(tenant_id, connector_id)
    schema = await target.object_schema()
    async with tenant(pool, tenant_id) as conn:
        return await _view(conn, target, schema)


async def _view(conn: Connection, target: Target, schema: ObjectSchema) -> View:
    connector = target.connector
    where = {"tenant_id": connector.tenant_id, "connector_id": connector.id}
    active = await mappings.active(conn, tenant_id=connector.tenant_id, connector_ids=[connector.id])
    mapping = active.get((connector.id, connector.object_class))
    secrets = secret_names(mapping, schema)
    inbound = tuple(rule for rule in inbound_rules(mapping) if rule.expression or rule.target not in secrets)
    stored = await correlation.active_rule_set(conn, **where)
    bound = await hooks.bound(conn, tenant_id=connector.tenant_id, connector_ids=[connector.id])
    return View(
        place=accounts.Place(connector.tenant_id, connector.id, connector.object_class),
        connector=connector,
        guard=target.guard,
        rules=_rules(connector, mapping, schema),
        rule_set=rule_set_in_force(stored, attributes=[each.name for each in schema.attributes], mapping=mapping),
        protection=protection(connector.protected_filter),
        in_scope=_predicate(connector.scope),
        is_mapped=mapping is not None,
        inbound=inbound,
        secrets=secrets,
        sharing=await identity_sources.sharing(conn, connector.tenant_id) if inbound else UNSHARED,
        hooks=correlating(bound[connector.id], connector.object_class),
        secret_sources=secret_sources(mapping),
    )


def _rules(connector: Connector, mapping: MappingVersion | None, schema: ObjectSchema) -> Rules:
    rules = mapping.rules if mapping else ()
    return Rules(
        connector=connector.name,
        comparator=comparator_of(connector, mapping, schema),
        deprovision=connector.deprovision,
        hooked=frozenset(connector.settings.get("hook_attributes", ())),
        inbound=frozenset(
            rule.target
            for rule in rules
            if rule.direction is not Direction.OUTBOUND and rule.source and not rule.expression
        ),
    )


def _predicate(scope: str | None) -> filters.Predicate:
    return filters.compiled(filters.parse(scope)) if scope else (lambda _: True)
