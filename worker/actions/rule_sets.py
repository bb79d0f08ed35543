"""What people do with the rules that correlate the accounts of a target: review, save, put in force, go back, compare.

A version is never changed. Without any, the rules that we ship are in force, fitted to what the target knows; they are
version 0. Rules that are saved are in force at once: within a minute on every daemon.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.actions.contradictions import refuse_contradictions, stored_form
from worker.actions.house import Act, House, acting, refuse_outdated, refuse_unstorable
from worker.actions.targets import the_target
from worker.connectors import ObjectSchema
from worker.correlation import (
    Attributes,
    RuleProblem,
    RuleSet,
    expressions_of,
    keys_differ,
    review_rule_set,
    rule_set_in_force,
)
from worker.domain.connector import Connector
from worker.domain.errors import (
    ConnectorError,
    HookError,
    InvalidRequest,
    InvalidRules,
    NotFound,
    SettingsError,
    SurroundingsError,
    WrongState,
)
from worker.domain.hook import HookClass
from worker.security import Principal, Role, require
from worker.store import correlation, mappings, recorrelations, rule_sets
from worker.store.pool import Connection
from worker.store.rule_sets import SHIPPED
from worker.store.tenant import tenant

MAX_NOTE = 1000
#: Errors of an expression that its text has whoever it is asked about.
_OF_TEXT = frozenset({HookClass.SYNTAX, HookClass.COMPILE, HookClass.LIMIT})


@dataclass(frozen=True, slots=True)
class InForce:
    """The rules that a target is correlated by. ``is_shipped``: nobody saved any.

    ``tuning_mode`` holds where the rules or the connector's settings say so: then nothing is linked by itself.
    """

    connector: Connector
    version: int
    rule_set: RuleSet
    note: str = ""
    created_at: datetime | None = None
    created_by: UUID | None = None
    created_by_name: str | None = None

    @property
    def is_shipped(self) -> bool:
        return self.version == SHIPPED

    @property
    def tuning_mode(self) -> bool:
        return self.rule_set.tuning_mode or bool(self.connector.settings.get("tuning_mode", False))


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule set as somebody wrote it, in JSON.

    ``sources_may_be_new`` lets rules read attributes that nobody has yet, however alike they are to known ones.
    ``acknowledged``: who saves them has seen that they go against what people decided.
    """

    document: Any
    note: str = ""
    sources_may_be_new: bool = False
    acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class Reviewed:
    """``rule_set`` is None when the document has errors."""

    rule_set: RuleSet | None
    problems: tuple[RuleProblem, ...]


@dataclass(frozen=True, slots=True)
class Switched:
    """``version`` is in force now, ``previous`` was before."""

    version: int
    previous: int


@dataclass(frozen=True, slots=True)
class RuleChanged:
    """One rule (by name), or with an empty name the settings of the set. None: added, or taken away."""

    name: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    fields: tuple[str, ...] = ()


async def in_force(house: House, principal: Principal, *, connector_id: UUID) -> InForce:
    """The rules by which a target's accounts are correlated now. Raises NotFound, WrongState."""
    require(principal.roles, Role.VIEWER)
    async with tenant(house.pool, principal.tenant_id) as conn:
        connector = await the_target(conn, principal.tenant_id, connector_id)
    told = await schema_of(house, principal.tenant_id, connector_id)
    async with tenant(house.pool, principal.tenant_id) as conn:
        return await rules_now(conn, connector, told)


async def version(house: House, principal: Principal, *, connector_id: UUID, number: int) -> InForce:
    """One version; ``SHIPPED`` is the rules that hold without any. Raises NotFound."""
    require(principal.roles, Role.VIEWER)
    async with tenant(house.pool, principal.tenant_id) as conn:
        connector = await the_target(conn, principal.tenant_id, connector_id)
    told = await schema_of(house, principal.tenant_id, connector_id)
    async with tenant(house.pool, principal.tenant_id) as conn:
        return await _version(conn, connector, number, told)


async def review(house: House, principal: Principal, *, connector_id: UUID, draft: Draft) -> Reviewed:
    """Everything that can be said about rules without using them; nothing is stored.

    A target that does not tell its attributes is no reason to refuse: a warning says that they were not looked at.
    Raises NotFound, InvalidRequest, SurroundingsError while the sandbox has no room.
    """
    require(principal.roles, Role.OPERATOR)
    document = draft.document
    refuse_unstorable("rule set", document)
    async with tenant(house.pool, principal.tenant_id) as conn:
        connector = await the_target(conn, principal.tenant_id, connector_id)
        known = await mappings.attribute_names(conn, tenant_id=principal.tenant_id)
    told = await schema_of(house, principal.tenant_id, connector_id)
    names = frozenset(each.name for each in told.attributes) if told is not None else frozenset()
    found = [*review_rule_set(document, attributes=Attributes(known, names, draft.sources_may_be_new))]
    if told is None:
        words = f"were not held against the target's attributes, for {connector.name} does not tell them"
        found.append(RuleProblem(None, "rules", words, "warning"))
    found += await _expressions(house, principal, document)
    is_sound = not any(each.is_error for each in found)
    return Reviewed(RuleSet.from_json(_plain(document)) if is_sound else None, tuple(found))


async def save(house: House, principal: Principal, *, connector_id: UUID, draft: Draft, seen: int | None = None) -> int:
    """Store rules as the next version and put them in force; its number.

    ``seen`` is the version that was in force when the person looked. Raises as ``review``, InvalidRules, Outdated, and
    ContradictsDecisions unless the draft says that this was seen.
    """
    require(principal.roles, Role.ADMIN)
    note = draft.note.strip()
    if len(note) > MAX_NOTE:
        raise InvalidRequest(f"A note has at most {MAX_NOTE} characters.")
    refuse_unstorable("note", note)
    found = await review(house, principal, connector_id=connector_id, draft=draft)
    if found.rule_set is None:
        raise invalid(found.problems)
    where = {"tenant_id": principal.tenant_id, "connector_id": connector_id}
    told = await schema_of(house, **where)
    if not draft.acknowledged:
        seen_now = await in_force(house, principal, connector_id=connector_id)
        base = seen_now.version, seen_now.rule_set
        await refuse_contradictions(house, now=base, rule_set=found.rule_set, told=told, **where)
    async with acting(house, principal, Role.ADMIN) as act:
        connector = await the_target(act.conn, act.tenant_id, connector_id)
        await rule_sets.lock(act.conn, **where)
        now = await rules_now(act.conn, connector, told)
        refuse_outdated(now.version, seen=seen)
        number = await rule_sets.put(act.conn, rules=stored_form(found.rule_set), note=note, by=act.by, **where)
        await _drop_void_keys(act, now, found.rule_set)
        act.note(
            "rules.save", "connector", connector_id, name=connector.name, version=number, previous=now.version,
            note=note, acknowledged=draft.acknowledged,
        )  # fmt: skip
    return number


async def activate(
    house: House, principal: Principal, *, connector_id: UUID, number: int, seen: int | None = None
) -> int:
    """Put an older version in force again, ``SHIPPED`` for ours; the number of the one before.

    Raises NotFound, Outdated, and WrongState for the one that is in force already.
    """
    require(principal.roles, Role.ADMIN)
    told = await schema_of(house, principal.tenant_id, connector_id)
    async with acting(house, principal, Role.ADMIN) as act:
        connector = await the_target(act.conn, act.tenant_id, connector_id)
        return await _activate(act, connector, number, told, seen=seen, action="rules.activate")


async def roll_back(house: House, principal: Principal, *, connector_id: UUID, seen: int | None = None) -> Switched:
    """Put in force what was so before. Raises as ``activate``."""
    require(principal.roles, Role.ADMIN)
    told = await schema_of(house, principal.tenant_id, connector_id)
    async with acting(house, principal, Role.ADMIN) as act:
        connector = await the_target(act.conn, act.tenant_id, connector_id)
        where = {"tenant_id": act.tenant_id, "connector_id": connector_id}
        await rule_sets.lock(act.conn, **where)
        stored = await correlation.active_rule_set(act.conn, **where)
        if stored is None:
            raise WrongState(f"{connector.name} is correlated by the shipped rules: there is nothing to go back to.")
        number = await rule_sets.before(act.conn, version=stored[0], **where)
        previous = await _activate(act, connector, number, told, seen=seen, action="rules.roll_back")
    return Switched(number, previous)


async def difference(
    house: House, principal: Principal, *, connector_id: UUID, before: int, after: int
) -> tuple[RuleChanged, ...]:
    """What differs between two versions, the set's own settings first, then rule by rule. Raises NotFound."""
    one = await version(house, principal, connector_id=connector_id, number=before)
    other = await version(house, principal, connector_id=connector_id, number=after)
    return compared(one.rule_set, other.rule_set)


def compared(one: RuleSet, other: RuleSet) -> tuple[RuleChanged, ...]:
    """The same of two rule sets: pure. A rule that only changed its place is the same."""
    old, new = one.to_json(), other.to_json()
    left = {"": _settings(old)} | {rule["name"]: rule for rule in old["rules"]}
    right = {"": _settings(new)} | {rule["name"]: rule for rule in new["rules"]}
    changes = []
    for name in sorted(left.keys() | right.keys()):
        before, after = left.get(name), right.get(name)
        if before != after:
            fields = [each for each in before or {} if after is not None and after.get(each) != (before or {})[each]]
            changes.append(RuleChanged(name, before, after, tuple(sorted(fields))))
    return tuple(changes)


def invalid(problems: tuple[RuleProblem, ...]) -> InvalidRules:
    """The error that says what keeps rules from being used; ``problems`` has an error among them."""
    errors = [str(each) for each in problems if each.is_error]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    members = {"mistakes": [asdict(each) for each in problems]}
    return InvalidRules(f"The rule set cannot be used: {errors[0]}{more}.", members=members)


async def schema_of(house: House, tenant_id: UUID, connector_id: UUID) -> ObjectSchema | None:
    """What the target says of its attributes; None while it does not tell them. Raises NotFound."""
    try:
        return await (await house.targets.get(tenant_id, connector_id)).object_schema()
    except (ConnectorError, SettingsError):
        return None


async def rules_now(conn: Connection, connector: Connector, told: ObjectSchema | None) -> InForce:
    """What is in force for a target whose schema was told."""
    where = {"tenant_id": connector.tenant_id, "connector_id": connector.id}
    stored = await correlation.active_rule_set(conn, **where)
    return await _version(conn, connector, stored[0] if stored else SHIPPED, told)


async def _version(conn: Connection, connector: Connector, number: int, told: ObjectSchema | None) -> InForce:
    where = {"tenant_id": connector.tenant_id, "connector_id": connector.id}
    if number == SHIPPED:
        active = await mappings.active(conn, tenant_id=connector.tenant_id, connector_ids=[connector.id])
        names = [each.name for each in told.attributes] if told is not None else []
        shipped = rule_set_in_force(None, attributes=names, mapping=active.get((connector.id, connector.object_class)))
        return InForce(connector, SHIPPED, shipped)
    row = await rule_sets.get(conn, version=number, **where)
    if row is None:
        raise NotFound(f"{connector.name} has no version {number} of its rules.")
    rule_set = rule_set_in_force((number, row["rules"]), attributes=(), mapping=None)
    return InForce(
        connector, number, rule_set, row["note"], row["created_at"], row["created_by"], row["created_by_name"]
    )


async def _activate(
    act: Act, connector: Connector, number: int, told: ObjectSchema | None, *, seen: int | None, action: str
) -> int:
    await rule_sets.lock(act.conn, tenant_id=act.tenant_id, connector_id=connector.id)
    now = await rules_now(act.conn, connector, told)
    refuse_outdated(now.version, seen=seen)
    if number == now.version:
        which = (
            "The shipped rules are" if number == SHIPPED else f"Version {number} of the rules of {connector.name} is"
        )
        raise WrongState(f"{which} in force already.")
    then = await _version(act.conn, connector, number, told)
    where = {"tenant_id": act.tenant_id, "connector_id": connector.id}
    await rule_sets.activate(act.conn, version=number, activated_by=act.by, **where)
    await _drop_void_keys(act, now, then.rule_set)
    act.note(action, "connector", connector.id, name=connector.name, version=number, previous=now.version)
    return now.version


async def _drop_void_keys(act: Act, before: InForce, rule_set: RuleSet) -> None:
    if keys_differ(before.rule_set, rule_set):
        where = {"tenant_id": act.tenant_id, "connector_id": before.connector.id}
        await correlation.drop_all_keys(act.conn, **where)
        await recorrelations.ask_target(act.conn, **where)


async def _expressions(house: House, principal: Principal, document: Any) -> list[RuleProblem]:
    """Build every expression in the sandbox: the mistakes that its text has whoever it is asked about."""
    texts = expressions_of(document)
    if not texts:
        return []
    [answers] = await house.box.evaluate(
        {str(at): text for at, text in texts.items()}, [{"identity": {}, "account": {}}], tenant_id=principal.tenant_id
    )
    found = []
    for at in texts:
        error = answers[str(at)].error
        if error is None:
            continue
        if error.retryable:
            raise SurroundingsError(f"The sandbox has no room to try the expressions; try again: {error}") from error
        if _is_of_text(error):
            found.append(RuleProblem(at, "expression", error.detail))
    return found


def _is_of_text(error: HookError) -> bool:
    return error.hook_class in _OF_TEXT


def _plain(document: Any) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "version"}


def _settings(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in {"rules", "version"}}
