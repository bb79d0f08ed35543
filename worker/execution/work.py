"""What one try works with: the operation, its account and identity, its target, the hooks bound there, the wish."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from worker.connectors import Target, Targets
from worker.domain import redaction, sealing
from worker.domain.account import Account, TargetAccount
from worker.domain.comparison import Comparator
from worker.domain.correlation import NOBODY, PersonDecision
from worker.domain.hook import HookPhase
from worker.domain.identity import Identity
from worker.domain.mapping import MappingVersion
from worker.domain.operation import Operation, OperationType
from worker.domain.precedence import speaks_first
from worker.execution.wish import Wish, wish_of
from worker.mapping import comparator_of, inbound_rules, secret_names, secret_sources
from worker.store import correlation, hook_versions, hooks, mappings, taken_names, work
from worker.store.hooks import Binding, BoundHook
from worker.store.pool import Connection, Pool
from worker.store.tenant import tenant

#: How long hooks and mapping of a connector are trusted before they are read again.
FRESH_S = 2.0


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What was found out for a whole batch before its tries began; it holds for these hooks and this wish.

    ``wish`` is what the before-hooks made of ``asked``, or how they ended the try. ``is_alone``: none of the accounts
    that nobody owns can be theirs.
    """

    hooks: tuple[BoundHook, ...]
    asked: Wish
    wish: Wish | Exception
    is_alone: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a claimed batch was read with: the subject, what people said of the identity, what could be foreseen.

    ``hooks`` are in the versions that were active when the operation's first try began, ``iteration`` is how many names
    the target had refused when an earlier try took one.
    """

    subject: work.Subject
    decisions: tuple[PersonDecision, ...] = ()
    hooks: tuple[BoundHook, ...] = ()
    iteration: int = 0
    foreseen: Foreseen | None = None
    read_at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Work:
    """Everything one try needs, read before it starts."""

    op: Operation
    account: Account
    identity: Identity | None
    is_adopted: bool
    decisions: tuple[PersonDecision, ...]
    target: Target
    hooks: tuple[BoundHook, ...]
    comparator: Comparator
    naming: str
    mapping: MappingVersion | None = None
    #: attributes that the mapping or the target's schema calls secret
    marked_secret: frozenset[str] = frozenset()
    iteration: int = 0
    foreseen: Foreseen | None = None

    @property
    def uid(self) -> str | None:
        """The uid of the account: our record's, or what the operation was told."""
        return self.account.uid or (self.op.target_uid if self.op.operation_type is not OperationType.CREATE else None)

    @property
    def secrets(self) -> frozenset[str]:
        """The names of attributes whose values no record may hold."""
        return self.marked_secret | sealing.names_of(self.op.payload)

    def is_secret(self, name: str) -> bool:
        """Whether no record may hold an attribute's value: by its marks, or by its name where nothing manages it."""
        return name in self.secrets or (
            redaction.is_secret(name) and all(rule.name != name for rule in self.comparator.rules)
        )

    @property
    def secret_sources(self) -> frozenset[str]:
        """The names of the identity's attributes that become secrets of the account."""
        return secret_sources(self.mapping)

    def unheard(self, found: TargetAccount) -> dict[str, Any]:
        """What an account that was there before has of the attributes about which its target is heard first."""
        if not (self.op.origin.is_coalesced and speaks_first(self.target.connector.settings)):
            return {}
        names = (rule.target for rule in inbound_rules(self.mapping) if rule.is_both)
        return {name: value for name in names if (value := found.attributes.get(name)) not in (None, "", [])}

    def wish(self) -> Wish:
        """What the operation asks for, before any hook."""
        return wish_of(self.op, self.account, uid=self.uid)

    def bound(self, phase: HookPhase, operation_type: OperationType) -> list[BoundHook]:
        """The hooks of one phase of one operation type, in their order."""
        return [hook for hook in self.hooks if _is_for(hook.binding, phase, operation_type, self.op.object_class)]


@dataclass(frozen=True, slots=True)
class StoredRules:
    """What is stored of the rules of one connector: its hooks, and its mappings by object class."""

    hooks: tuple[BoundHook, ...]
    mappings: dict[str, MappingVersion]
    read_at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class _Rules:
    """Hooks and comparator of one connector; ``read_at`` as what is stored of them."""

    hooks: tuple[BoundHook, ...]
    comparator: Comparator
    naming: str
    mapping: MappingVersion | None
    marked_secret: frozenset[str]
    read_at: float


class WorkLoader:
    """Reads what batches need: accounts and identities in one statement, the rest with them every two seconds."""

    def __init__(self, pool: Pool, targets: Targets) -> None:
        self.pool = pool
        self._targets = targets
        self._rules: dict[UUID, _Rules] = {}
        self._stored: dict[UUID, StoredRules] = {}
        self._reading: dict[UUID, asyncio.Lock] = {}

    async def load(self, tenant_id: UUID, operations: Sequence[Operation]) -> dict[UUID, Prepared]:
        """What the operations of one target work with, by operation id: a few statements, however many they are."""
        people = [op.user_id for op in operations if op.user_id is not None]
        connector_id = operations[0].connector_id
        async with tenant(self.pool, tenant_id) as conn:
            found = await work.subjects(conn, tenant_id, [op.account_id for op in operations])
            said = await correlation.decisions(
                conn, tenant_id=tenant_id, connector_id=connector_id, identity_ids=[*people, NOBODY]
            )
            if not _is_fresh(self._rules.get(connector_id)):  # they are wanted next, and the transaction is open
                self._stored[connector_id] = await stored_rules(conn, tenant_id, connector_id)
            past = await _past(conn, tenant_id, operations, hooks=self._stored[connector_id].hooks)
        return {
            op.id: Prepared(
                found[op.account_id],
                tuple(each for each in said if each.identity_id in {op.user_id, NOBODY}),
                hooks=past.hooks.get(op.id, past.active),
                iteration=past.iterations.get(op.id, 0),
            )
            for op in operations
            if op.account_id in found
        }

    async def work_of(self, op: Operation, prepared: Prepared) -> Work:
        """Put the work of one operation together; raises what opening the target raises."""
        subject = prepared.subject
        target = await self._targets.get(op.tenant_id, op.connector_id)
        rules = await self._rules_of(target)
        return Work(
            op=op,
            account=subject.account,
            identity=subject.identity,
            is_adopted=subject.is_adopted,
            decisions=prepared.decisions,
            target=target,
            hooks=prepared.hooks,
            comparator=rules.comparator,
            naming=rules.naming,
            mapping=rules.mapping,
            marked_secret=rules.marked_secret,
            iteration=prepared.iteration,
            foreseen=prepared.foreseen,
        )

    async def _rules_of(self, target: Target) -> _Rules:
        connector_id = target.connector.id
        known = self._rules.get(connector_id)
        if known is not None and _is_fresh(known):
            return known
        # Before the lock: behind it those at a target that hangs would wait one after the other, each for its deadline.
        await target.object_schema()
        async with self._reading.setdefault(connector_id, asyncio.Lock()):  # one reads for all
            known = self._rules.get(connector_id)
            return known if known is not None and _is_fresh(known) else await self._read_rules(target)

    async def _read_rules(self, target: Target) -> _Rules:
        connector = target.connector
        schema = await target.object_schema()
        stored = self._stored.get(connector.id)
        if stored is None or not _is_fresh(stored):
            async with tenant(self.pool, connector.tenant_id) as conn:
                stored = self._stored[connector.id] = await stored_rules(conn, connector.tenant_id, connector.id)
        mapping = stored.mappings.get(connector.object_class)
        comparator = comparator_of(connector, mapping, schema)
        marked = secret_names(mapping, schema)
        rules = _Rules(stored.hooks, comparator, schema.naming, mapping, marked, stored.read_at)
        self._rules[connector.id] = rules
        return rules


async def stored_rules(conn: Connection, tenant_id: UUID, connector_id: UUID) -> StoredRules:
    read_at = time.monotonic()
    bound = await hooks.bound(conn, tenant_id=tenant_id, connector_ids=[connector_id])
    active = await mappings.active(conn, tenant_id=tenant_id, connector_ids=[connector_id])
    return StoredRules(
        tuple(bound[connector_id]), {object_class: mapping for (_, object_class), mapping in active.items()}, read_at
    )


@dataclass(frozen=True, slots=True)
class _Past:
    """The hooks that are active, and by operation those that its first try ran, and what it knows of names."""

    active: tuple[BoundHook, ...]
    hooks: dict[UUID, tuple[BoundHook, ...]] = field(default_factory=dict)
    iterations: dict[UUID, int] = field(default_factory=dict)


async def _past(
    conn: Connection, tenant_id: UUID, operations: Sequence[Operation], *, hooks: tuple[BoundHook, ...]
) -> _Past:
    """What operations keep of their first tries, where hooks are bound."""
    if not hooks:
        return _Past(hooks)
    pinned = await hook_versions.at_first_tries(
        conn, tenant_id, operation_ids=[op.id for op in operations], scripts=[hook.script for hook in hooks]
    )
    again = [op.id for op in operations if op.attempt_number > 1]
    return _Past(
        hooks,
        {
            operation_id: tuple(replace(hook, script=scripts.get(hook.binding.hook_id, hook.script)) for hook in hooks)
            for operation_id, scripts in pinned.items()
        },
        await taken_names.iterations(conn, tenant_id, again) if again else {},
    )


def _is_for(binding: Binding, phase: HookPhase, operation_type: OperationType, object_class: str) -> bool:
    is_place = binding.phase is phase and binding.object_class == object_class
    return is_place and operation_type in binding.operation_types


def _is_fresh(read: StoredRules | _Rules | None) -> bool:
    return read is not None and time.monotonic() - read.read_at < FRESH_S
