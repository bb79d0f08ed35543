"""One batch of people at all targets: what is decided for each, as values."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from uuid import UUID

from worker.domain import sealing
from worker.domain.account import Account
from worker.domain.comparison import Comparator
from worker.domain.connector import Connector, DeprovisionPolicy
from worker.domain.identity import Identity
from worker.domain.ids import uuid7
from worker.domain.mapping import MappingVersion
from worker.domain.operation import NewOperation, OperationType
from worker.domain.precedence import speaks_first
from worker.domain.storable import is_storable
from worker.mapping import Mapped, MappingError
from worker.planning.plan import NOTHING, Hidden, PlannedChange, decide
from worker.security import Vault, seal_values
from worker.store.plan_items import Complaint, PlanItem, Wanted


@dataclass(frozen=True, slots=True)
class Target:
    """A connector to plan for; ``mapping`` None: only removals can be planned."""

    connector: Connector
    mapping: MappingVersion | None
    comparator: Comparator
    is_in_scope: Callable[[Mapping[str, Any]], bool]
    #: attributes of the account that come back to the person's, by name, and are not to flow back from there
    returned: Mapping[str, str] = field(default_factory=dict)

    @property
    def mapping_version(self) -> int | None:
        return self.mapping.version if self.mapping else None

    @property
    def has_secrets(self) -> bool:
        return any(rule.secret for rule in self.mapping.rules) if self.mapping else False

    @property
    def is_plain(self) -> bool:
        """Whether it maps to nothing but stored values of identities and constants, none of them secret."""
        rules = self.mapping.rules if self.mapping else ()
        return not any(rule.expression is not None or rule.transforms or rule.secret for rule in rules)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody being planned, and the item that asks for it."""

    item: PlanItem
    identity: Identity


#: Values of secret attributes: for a new account, and for one that is there.
Secrets: TypeAlias = tuple[dict[str, Any], dict[str, Any]]


@dataclass(slots=True)
class Batch:
    """Items with the people they are about, and for each target in order who is in its scope and how they map."""

    items: list[PlanItem]
    targets: list[Target]
    people: list[Person] = field(init=False)
    in_scope: list[set[UUID]] = field(default_factory=list)
    mapped: list[dict[UUID, Mapped | MappingError]] = field(default_factory=list)
    #: for each target the secrets of those who have any: for a new account, and for one that is there
    secrets: list[dict[UUID, Secrets]] = field(default_factory=list)
    #: targets where these people are planned, not only removed
    planned_at: list[UUID] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.people = [Person(item, item.identity.as_identity()) for item in self.items if item.identity is not None]


@dataclass(frozen=True, slots=True)
class Step:
    """One decided change of one account; ``account`` None: ``account_id`` is that of the row to be made."""

    person: Person
    target: Target
    account: Account | None
    change: PlannedChange
    account_id: UUID
    operation_id: UUID

    @property
    def identity_id(self) -> UUID:
        return self.person.identity.id

    def wanted(self) -> Wanted:
        """What the account row is to say."""
        connector, change = self.target.connector, self.change
        return Wanted(
            account_id=self.account_id,
            connector_id=connector.id,
            object_class=connector.object_class,
            identity_id=self.identity_id,
            attributes=change.wanted,
            active=change.wanted_active,
            mapping_version=self.target.mapping_version,
            identity_version=self.person.identity.version,
        )

    def operation(self, *, vault: Vault, tenant_id: UUID) -> NewOperation | None:
        """What is to be done, its secrets sealed, or None when only the row changes."""
        connector, item, change = self.target.connector, self.person.item, self.change
        if change.kind is None:
            return None
        payload = change.payload
        if change.secrets:
            sealed = seal_values(change.secrets, vault=vault, tenant_id=tenant_id, account_id=self.account_id)
            payload = sealing.with_sealed(payload, sealed)
        return NewOperation(
            connector_id=connector.id,
            account_id=self.account_id,
            operation_type=change.kind,
            object_class=connector.object_class,
            payload=payload,
            origin=item.origin,
            id=self.operation_id,
            user_id=self.identity_id,
            target_uid=self.account.uid if self.account else None,
            identity_version=self.person.identity.version,
            mapping_version=self.target.mapping_version,
            run_id=item.run_id,
            correlation_id=item.correlation_id,
            opens=change.wanted if self.account is None else None,
        )


@dataclass(slots=True)
class Decisions:
    """Steps whose account row is to be made and those whose row is there; complaints, with the rows they need."""

    new: list[Step] = field(default_factory=list)
    known: list[Step] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)
    unplaced: list[Wanted] = field(default_factory=list)


def results(batch: Batch, decisions: Decisions, done: set[UUID]) -> Counter[tuple[str, str]]:
    """How many people came to what at each target: (connector, create | update | delete | nothing | error)."""
    counted: Counter[tuple[str, str]] = Counter()
    for step in (*decisions.new, *decisions.known):
        if step.identity_id in done and step.change.kind is not None:
            counted[step.target.connector.name, step.change.kind.value] += 1
    names = {target.connector.id: target.connector.name for target in batch.targets}
    for complaint in decisions.complaints:
        if complaint.identity_id in done:
            counted[names[complaint.connector_id], "error"] += 1
    for name in names.values():
        something = sum(counted[name, kind] for kind in ("create", "update", "delete", "error"))
        counted[name, "nothing"] = len(done) - something
    return counted


#: Of values of secret attributes, those that an account was not given yet.
NotGiven = Callable[[dict[str, Any], Account], dict[str, Any]]


def decide_batch(
    batch: Batch,
    *,
    taken: set[UUID],
    accounts: Mapping[tuple[UUID, UUID, str], Account],
    not_given: NotGiven = lambda values, _account: values,
) -> Decisions:
    """Decide for every taken person at every target."""
    decisions = Decisions()
    people = [person for person in batch.people if person.identity.id in taken]
    for at, (target, inside, mapped) in enumerate(zip(batch.targets, batch.in_scope, batch.mapped, strict=True)):
        secrets = batch.secrets[at] if batch.secrets else {}
        for person in people:
            key = (person.identity.id, target.connector.id, target.connector.object_class)
            account, values = accounts.get(key), secrets.get(key[0])
            hidden = NOTHING if values is None else _hidden(values, account, not_given)
            wish = mapped.get(key[0])
            _decide(decisions, person, target, account, wish, in_scope=key[0] in inside, hidden=hidden)
    return decisions


def secrets_of(result: Mapped | MappingError) -> Secrets | None:
    """The values of secret attributes that a mapping made; one without a value is left as it is at the target."""
    if isinstance(result, MappingError) or not result.secrets:
        return None
    made = (result.for_create(), result.for_update())
    of_new, of_known = (
        {name: value for name, value in values.items() if name in result.secrets and value is not None}
        for values in made
    )
    return (of_new, of_known) if of_new or of_known else None


def _hidden(values: Secrets, account: Account | None, not_given: NotGiven) -> Hidden:
    of_new, of_known = values
    return Hidden(of_new, not_given(of_known, account) if account is not None and of_known else {})


def keepable(result: Mapped | MappingError) -> Mapped | MappingError:
    """A result that can be written down.

    Without secret values, which must not lie open in account rows and payloads; and an error where an expression or a
    constant gave something that the database cannot keep, for it would fail the whole batch.
    """
    if isinstance(result, MappingError):
        return result
    for values in (result.attributes, result.on_create, result.on_update):
        if not is_storable(values):
            name = next(name for name, value in values.items() if not is_storable({name: value}))
            message = f"{name}: has characters or numbers that cannot be stored"
            return MappingError(result.identity_id, name, message)
    return _without_secrets(result) if result.secrets else result


def _without_secrets(result: Mapped) -> Mapped:
    def kept(values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if name not in result.secrets}

    return replace(
        result,
        attributes=kept(result.attributes),
        on_create=kept(result.on_create),
        on_update=kept(result.on_update),
    )


def _deprovisioned_by(connector: Connector, person: Person) -> Connector:
    """The connector with the policy that holds for a person: an emergency disables accounts, it never deletes one."""
    identity = person.item.identity
    if identity is None or identity.disabled_at is None or identity.is_deleted or not identity.active:
        return connector
    return replace(connector, deprovision=DeprovisionPolicy.DISABLE)


def _decide(
    decisions: Decisions,
    person: Person,
    target: Target,
    account: Account | None,
    wish: Mapped | MappingError | None,
    *,
    in_scope: bool,
    hidden: Hidden,
) -> None:
    if isinstance(wish, MappingError):
        _complain(decisions, person, target, account=account, error=wish)
        return
    wish = _as_taken(wish, person, target, account)
    change = decide(
        person.identity,
        account=account,
        mapped=wish,
        connector=_deprovisioned_by(target.connector, person),
        in_scope=in_scope,
        comparator=target.comparator,
        hidden=hidden,
        unheard=_unheard(target, account),
    )
    if change is not None:
        step = Step(person, target, account, change, account.id if account else uuid7(), uuid7())
        (decisions.known if account else decisions.new).append(step)


def _as_taken(wish: Mapped | None, person: Person, target: Target, account: Account | None) -> Mapped | None:
    """The wish with what the person took from this very account as it is there: it does not flow back."""
    stored = person.item.identity
    if not target.returned or wish is None or stored is None or account is None or account.wanted is None:
        return wish
    source, wanted = str(target.connector.id), account.wanted
    taken = {name for name, attribute in target.returned.items() if stored.authority.get(attribute) == source}
    if not taken:
        return wish

    def kept(values: dict[str, Any]) -> dict[str, Any]:
        return {name: wanted.get(name) if name in taken else value for name, value in values.items()}

    return replace(wish, attributes=kept(wish.attributes), on_update=kept(wish.on_update))


def _unheard(target: Target, account: Account | None) -> frozenset[str]:
    """What an account that was never planned has of the attributes about which its target is heard first."""
    if not target.returned or account is None or not speaks_first(target.connector.settings):
        return frozenset()
    observed = account.observed or {}
    return frozenset(name for name in target.returned if observed.get(name) not in (None, "", []))


def _complain(
    decisions: Decisions, person: Person, target: Target, *, account: Account | None, error: MappingError
) -> None:
    kind = OperationType.UPDATE if account and account.uid else OperationType.CREATE
    change = PlannedChange(kind, {}, wanted=None, wanted_active=None)
    step = Step(person, target, account, change, account.id if account else uuid7(), uuid7())
    if account is None:
        decisions.unplaced.append(step.wanted())
    decisions.complaints.append(
        Complaint(
            account_id=step.account_id,
            connector_id=target.connector.id,
            object_class=target.connector.object_class,
            identity_id=step.identity_id,
            operation_type=kind.value,
            message=error.message,
            item=person.item,
            identity_version=person.identity.version,
            mapping_version=target.mapping_version,
        )
    )
