"""What people do with the versions of a mapping: review rules, save them, activate one, go back, compare, try.

A version is never changed. Activating one has everybody whom the target concerns planned again in the background, where
removals are counted; ``mapping_trials`` says what that would do before it is done.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from worker.actions.house import Act, House, acting, refuse_outdated, refuse_unstorable
from worker.actions.targets import the_target
from worker.connectors import ObjectSchema
from worker.domain.connector import Connector
from worker.domain.errors import (
    ConnectorError,
    HookError,
    InvalidMapping,
    InvalidRequest,
    NotFound,
    SettingsError,
    SurroundingsError,
    WrongState,
)
from worker.domain.mapping import Direction, MappingRule, MappingVersion
from worker.mapping import (
    Review,
    RuleMistake,
    Severity,
    Surroundings,
    check_rules,
    check_secrets,
    review_document,
    review_rules,
    rule_to_json,
)
from worker.security import Principal, Role, require
from worker.store import mappings
from worker.store.pool import Connection
from worker.store.sql import Record
from worker.store.tenant import tenant

MAX_NOTE = 1000
#: Characters of a document of rules.
MAX_DOCUMENT = 1_000_000


@dataclass(frozen=True, slots=True)
class Written:
    """Rules as somebody wrote them: ``document`` is JSON text, whose lines mistakes are told with, ``rules`` JSON.

    ``sources_may_be_new`` lets rules read attributes that nobody has yet, however alike they are to known ones.
    """

    document: str | None = None
    rules: Any = None
    sources_may_be_new: bool = False


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One rule of a difference: ``before`` None was added, ``after`` None was taken away; ``fields`` differ."""

    target: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    fields: tuple[str, ...] = ()


async def the_version(conn: Connection, tenant_id: UUID, connector: Connector, version: int) -> Record:
    """The row of one version; raises NotFound."""
    row = await mappings.stored(
        conn,
        tenant_id=tenant_id,
        connector_id=connector.id,
        object_class=connector.object_class,
        version=version,
    )
    if row is None:
        raise NotFound(f"{connector.name} has no version {version} of its mapping.")
    return row


async def active_of(conn: Connection, tenant_id: UUID, connector: Connector) -> MappingVersion | None:
    """The mapping that is active."""
    found = await mappings.active(conn, tenant_id=tenant_id, connector_ids=[connector.id])
    return found.get((connector.id, connector.object_class))


async def schema(house: House, principal: Principal, *, connector_id: UUID) -> ObjectSchema:
    """What the target says of its attributes. Raises NotFound, and WrongState when it does not tell them."""
    require(principal.roles, Role.VIEWER)
    try:
        return await (await house.targets.get(principal.tenant_id, connector_id)).object_schema()
    except (ConnectorError, SettingsError) as error:
        raise WrongState(f"The target does not tell its attributes: {error}") from error


async def review(house: House, principal: Principal, *, connector_id: UUID, written: Written) -> Review:
    """Everything that can be said about rules without using them; nothing is stored.

    A target that does not answer is no reason to refuse: then its schema is not looked at, and a warning says so.
    Raises NotFound, InvalidRequest, SurroundingsError while the sandbox has no room.
    """
    require(principal.roles, Role.OPERATOR)
    refuse_unstorable("document", written.document if written.document is not None else written.rules)
    async with tenant(house.pool, principal.tenant_id) as conn:
        connector = await the_target(conn, principal.tenant_id, connector_id)
        known = await mappings.attribute_names(conn, tenant_id=principal.tenant_id)
        by_class = await mappings.active(conn, tenant_id=principal.tenant_id, connector_ids=[connector.id])
    active = by_class.get((connector.id, connector.object_class))
    told, silent = await _schema(house, principal, connector)
    hooked = connector.settings.get("hook_attributes", ())
    names = frozenset() if written.sources_may_be_new else known
    around = Surroundings(told, hooked, names, _opened_by(active))
    found = await _reviewed(house, written, around)
    return Review(found.rules, (*found.mistakes, *silent, *_left_behind(connector, by_class.values())))


async def save(house: House, principal: Principal, *, connector_id: UUID, written: Written, note: str = "") -> int:
    """Store rules as the next version, not active yet; its number. Raises as ``review``, and InvalidMapping."""
    require(principal.roles, Role.ADMIN)
    if len(note) > MAX_NOTE:
        raise InvalidRequest(f"A note has at most {MAX_NOTE} characters.")
    refuse_unstorable("note", note)
    found = await review(house, principal, connector_id=connector_id, written=written)
    if not found.is_sound:
        raise invalid(found.mistakes)
    async with acting(house, principal, Role.ADMIN) as act:
        connector = await the_target(act.conn, act.tenant_id, connector_id)
        number = await mappings.insert(
            act.conn,
            tenant_id=act.tenant_id,
            connector_id=connector_id,
            object_class=connector.object_class,
            rules=found.rules,
            note=note.strip(),
            created_by=act.by,
        )
        act.note("mapping.save", "connector", connector_id, name=connector.name, version=number, note=note.strip())
    return number


async def activate(
    house: House, principal: Principal, *, connector_id: UUID, version: int, seen: int | None = None
) -> int | None:
    """Make a version the active one, and have everybody whom it concerns planned; the number of the one before.

    ``seen`` is the version that was active when the person looked. Raises NotFound, Outdated, WrongState for the one
    that is active already, and InvalidMapping for one that would fill a secret of the target in the open.
    """
    require(principal.roles, Role.ADMIN)
    told = await _schema_or_none(house, principal, connector_id)
    async with acting(house, principal, Role.ADMIN) as act:
        connector = await the_target(act.conn, act.tenant_id, connector_id)
        return await _activate(act, connector, version, told, seen=seen, action="mapping.activate")


async def roll_back(house: House, principal: Principal, *, connector_id: UUID, seen: int | None = None) -> int:
    """Make the version active again that was so before; its number. Raises as ``activate``."""
    require(principal.roles, Role.ADMIN)
    told = await _schema_or_none(house, principal, connector_id)
    async with acting(house, principal, Role.ADMIN) as act:
        connector = await the_target(act.conn, act.tenant_id, connector_id)
        await mappings.lock(act.conn, tenant_id=act.tenant_id, connector_id=connector_id)
        now = await active_of(act.conn, act.tenant_id, connector)
        version = (
            None
            if now is None
            else await mappings.before(
                act.conn,
                tenant_id=act.tenant_id,
                connector_id=connector_id,
                object_class=connector.object_class,
                version=now.version,
            )
        )
        if version is None:
            raise WrongState(f"No other version of the mapping of {connector.name} was ever active.")
        await _activate(act, connector, version, told, seen=seen, action="mapping.roll_back")
    return version


async def difference(
    house: House, principal: Principal, *, connector_id: UUID, before: int, after: int
) -> tuple[RuleChange, ...]:
    """What differs between two versions, by rule. Raises NotFound."""
    require(principal.roles, Role.VIEWER)
    async with tenant(house.pool, principal.tenant_id) as conn:
        connector = await the_target(conn, principal.tenant_id, connector_id)
        rows = [await the_version(conn, principal.tenant_id, connector, number) for number in (before, after)]
    one, other = (mappings.from_row(row).rules for row in rows)
    return compared(one, other)


def compared(before: tuple[MappingRule, ...], after: tuple[MappingRule, ...]) -> tuple[RuleChange, ...]:
    """What differs, by target and phase; rules that only changed their place are the same."""
    old, new = ({(rule.target, rule.direction, rule.on): rule for rule in rules} for rules in (before, after))
    changes = []
    for key in sorted({*old, *new}, key=str):
        one, other = old.get(key), new.get(key)
        if one == other:
            continue
        left, right = (rule_to_json(rule) if rule else None for rule in (one, other))
        names = {*(left or {}), *(right or {})}
        fields = sorted(name for name in names if (left or {}).get(name) != (right or {}).get(name))
        changes.append(RuleChange(key[0], left, right, tuple(fields) if left and right else ()))
    return tuple(changes)


def invalid(mistakes: tuple[RuleMistake, ...]) -> InvalidMapping:
    """The error that says what keeps rules from being used; ``mistakes`` has an error among them."""
    errors = [str(each) for each in mistakes if each.is_error]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    members = {"mistakes": [asdict(each) for each in mistakes]}
    return InvalidMapping(f"The mapping cannot be used: {errors[0]}{more}.", members=members)


async def _activate(
    act: Act, connector: Connector, version: int, told: ObjectSchema | None, *, seen: int | None, action: str
) -> int | None:
    await mappings.lock(act.conn, tenant_id=act.tenant_id, connector_id=connector.id)
    row = await the_version(act.conn, act.tenant_id, connector, version)
    now = await active_of(act.conn, act.tenant_id, connector)
    previous = now.version if now else None
    refuse_outdated(previous or 0, seen=seen)
    if row["is_active"]:
        raise WrongState(f"Version {version} of the mapping of {connector.name} is the active one already.")
    rules = mappings.from_row(row).rules
    if mistakes := check_rules(rules):
        raise invalid(mistakes)
    _refuse_open_secrets(rules, told, now)
    await mappings.activate(
        act.conn,
        tenant_id=act.tenant_id,
        connector_id=connector.id,
        object_class=connector.object_class,
        version=version,
        activated_by=act.by,
    )
    act.note(action, "connector", connector.id, name=connector.name, version=version, previous=previous)
    return previous


def _refuse_open_secrets(rules: tuple[MappingRule, ...], told: ObjectSchema | None, now: MappingVersion | None) -> None:
    """What is planned does not know the target's schema: it is sealed where the mapping says so."""
    mistakes = check_secrets(rules, told, opened=_opened_by(now)) if told is not None else ()
    if any(each.is_error for each in mistakes):
        raise invalid(mistakes)


def _opened_by(active: MappingVersion | None) -> frozenset[str]:
    """The attributes that a version fills without marking them secret."""
    rules = active.rules if active else ()
    return frozenset(rule.target for rule in rules if rule.direction is not Direction.INBOUND and not rule.secret)


async def _schema_or_none(house: House, principal: Principal, connector_id: UUID) -> ObjectSchema | None:
    """The target's schema; None while it does not tell it. Raises NotFound."""
    try:
        return await (await house.targets.get(principal.tenant_id, connector_id)).object_schema()
    except (ConnectorError, SettingsError):
        return None


async def _schema(
    house: House, principal: Principal, connector: Connector
) -> tuple[ObjectSchema | None, tuple[RuleMistake, ...]]:
    """The target's schema, or a warning that it cannot be had."""
    try:
        return await (await house.targets.get(principal.tenant_id, connector.id)).object_schema(), ()
    except (ConnectorError, SettingsError) as error:
        told = f"were not held against the target's attributes, for {connector.name} does not tell them: {error}"
        return None, (RuleMistake(None, "rules", told, severity=Severity.WARNING),)


def _left_behind(connector: Connector, active: Iterable[MappingVersion]) -> tuple[RuleMistake, ...]:
    """Versions that are active for an object class which the connector had before: nobody is mapped by them."""
    told = "of version {} are active for the object class {!r}, and {} has {!r}: nobody is mapped by those"
    return tuple(
        RuleMistake(
            None,
            "rules",
            told.format(each.version, each.object_class, connector.name, connector.object_class),
            severity=Severity.WARNING,
        )
        for each in active
        if each.object_class != connector.object_class
    )


async def _reviewed(house: House, written: Written, around: Surroundings) -> Review:
    if written.document is not None and len(written.document) > MAX_DOCUMENT:
        raise InvalidRequest(f"A mapping has at most {MAX_DOCUMENT} characters.")
    try:
        if written.document is None:
            return await review_rules(written.rules, evaluator=house.box, around=around)
        return await review_document(written.document, evaluator=house.box, around=around)
    except HookError as error:
        raise SurroundingsError(f"The sandbox has no room to try the expressions; try again: {error}") from error
