"""What after-hooks want to follow: looked at when their operation ends, accepted as an operation when it is due.

The wishes are written in the transaction that writes the end of their operation; each is accepted in the transaction
that says so. So a process that dies loses none of them, and none becomes two operations. One that cannot be accepted
changes nothing about what has happened: it is refused, and the operation's log says why.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from worker.connectors import ObjectSchema, Targets
from worker.domain.connector import Connector
from worker.domain.errors import ConnectorError, NotFound, SettingsError
from worker.domain.follow_up import MOST_DEPTH, Place, WantedFollowUp, key_of, refusal, unknown_names
from worker.domain.hook import FollowUp
from worker.domain.ids import uuid7
from worker.domain.operation import NewOperation, OperationType, Origin
from worker.planning.acceptance import Acceptance
from worker.store import connectors, due_work, follow_ups, mappings, operations
from worker.store.follow_ups import Waiting
from worker.store.pool import Connection, Pool
from worker.store.tenant import tenant

log = structlog.get_logger()

#: A target has so long to tell its attributes; one that does not says by itself what it does not know.
SCHEMA_S = 3.0
#: So many are accepted in one round.
BATCH = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """What one hook wants to follow from an operation of ``identity_id`` at ``connector_id``."""

    hook_id: UUID
    hook_name: str
    number: int
    wanted: FollowUp


@dataclass(frozen=True, slots=True)
class Whence:
    """The operation that follow-ups would follow from."""

    tenant_id: UUID
    operation_id: UUID
    identity_id: UUID | None
    connector_id: UUID
    object_class: str


@dataclass(frozen=True, slots=True)
class Followed:
    """Counts of one round."""

    accepted: int = 0
    refused: int = 0
    is_left: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """A follow-up cannot be accepted; ``why`` is the end of a sentence."""

    why: str

    def __str__(self) -> str:
        return self.why


class FollowUps:
    """Looks at follow-ups before they are written down."""

    def __init__(self, pool: Pool, targets: Targets) -> None:
        self._pool = pool
        self._targets = targets

    async def weighed(self, whence: Whence, asked: Sequence[Asked]) -> list[WantedFollowUp | Refusal]:
        """Each as it can be written down, or why it cannot follow."""
        async with tenant(self._pool, whence.tenant_id) as conn:
            depth = await follow_ups.depth(conn, whence.tenant_id, operation_id=whence.operation_id)
            places = [await _place_or_refusal(conn, whence, each.wanted, depth=depth) for each in asked]
        return [await self._weighed(whence, each, place) for each, place in zip(asked, places, strict=True)]

    async def _weighed(
        self, whence: Whence, asked: Asked, found: tuple[UUID, Place] | Refusal
    ) -> WantedFollowUp | Refusal:
        if isinstance(found, Refusal):
            return found
        connector_id, place = found
        schema = await _schema(self._targets, whence.tenant_id, connector_id, asked.wanted, place)
        if (why := _problem(asked.wanted, place, schema)) is not None:
            return why
        return WantedFollowUp(
            asked.hook_id, asked.hook_name, asked.number, place.identity_id, connector_id, asked.wanted
        )


class Following:
    """Makes operations of follow-ups that are due; harmless when several daemons do it at once."""

    def __init__(self, pool: Pool, targets: Targets, acceptance: Acceptance) -> None:
        self._pool = pool
        self._targets = targets
        self._acceptance = acceptance

    async def run_once(self, tenant_id: UUID, ref_id: UUID) -> Followed:
        """Accept what is due for a tenant; then it sleeps until the next one is."""
        del ref_id  # the tenant again
        async with tenant(self._pool, tenant_id) as conn:
            found = await follow_ups.due(conn, tenant_id, limit=BATCH)
            if not found and await due_work.quiet(conn, tenant_id, due_work.Kind.FOLLOW_UP, tenant_id):
                at = await follow_ups.queries.next_due.value(conn, tenant_id=tenant_id)
                await due_work.sleep(conn, tenant_id, due_work.Kind.FOLLOW_UP, tenant_id, next_due=at)
        done = [await self._follow(tenant_id, each) for each in found]
        return Followed(done.count(True), done.count(False), is_left=any(each is not None for each in done))

    async def _follow(self, tenant_id: UUID, waiting: Waiting) -> bool | None:
        """Accept one: False when it was refused, None when somebody else has it."""
        whence = Whence(
            tenant_id, waiting.operation_id, waiting.identity_id, waiting.connector_id, waiting.object_class
        )
        async with tenant(self._pool, tenant_id) as conn:
            place = await _place_or_refusal(conn, whence, waiting.wanted)
        schema = None
        if not isinstance(place, Refusal):
            schema = await _schema(self._targets, tenant_id, waiting.connector_id, waiting.wanted, place[1])
        try:
            async with tenant(self._pool, tenant_id) as conn:
                if not await follow_ups.take(conn, tenant_id, waiting):
                    return None
                return await self._accept(conn, whence, waiting, schema)
        except NotFound as error:  # the account went between two looks
            return await self._refuse(tenant_id, waiting, Refusal(str(error)))

    async def _accept(self, conn: Connection, whence: Whence, waiting: Waiting, schema: ObjectSchema | None) -> bool:
        found = await _place_or_refusal(conn, whence, waiting.wanted)
        if not await follow_ups.queries.is_bound.value(conn, tenant_id=whence.tenant_id, hook_id=waiting.hook_id):
            found = Refusal("the hook is bound nowhere any more")
        why = found if isinstance(found, Refusal) else _problem(waiting.wanted, found[1], schema)
        if isinstance(found, Refusal) or why is not None:
            await _note_refused(conn, whence.tenant_id, waiting, why or _nobodys())
            return False
        op = _operation(waiting, found[1])
        accepted = await self._acceptance.accept(
            conn,
            tenant_id=whence.tenant_id,
            operations=[op],
            run_id=None,
            reason=f"the hook {waiting.hook_name} asked for it after an operation had succeeded",
        )
        note = "the account is protected, so it is a dead letter that was never tried" if accepted.refused else None
        await follow_ups.end(conn, whence.tenant_id, waiting, made_id=op.id, note=note)
        source = f"Follows from operation {waiting.operation_id}: the hook {waiting.hook_name} asked for it."
        made = f"{op.id} follows, at {found[1].connector_name}: the hook {waiting.hook_name} asked for it."
        lines = [(op.id, "info", source), (waiting.operation_id, "info", f"Operation {made}")]
        await operations.log(conn, whence.tenant_id, lines)
        return True

    async def _refuse(self, tenant_id: UUID, waiting: Waiting, why: Refusal) -> bool | None:
        async with tenant(self._pool, tenant_id) as conn:
            if not await follow_ups.take(conn, tenant_id, waiting):
                return None
            await _note_refused(conn, tenant_id, waiting, why)
        return False


def note_of(hook_name: str, wanted: FollowUp, why: Refusal) -> str:
    """A refusal in the words of logs."""
    return f"What the hook {hook_name} wants to follow ({wanted.type}) does not: {why}."


async def _note_refused(conn: Connection, tenant_id: UUID, waiting: Waiting, why: Refusal) -> None:
    await follow_ups.end(conn, tenant_id, waiting, note=str(why))
    line = (waiting.operation_id, "warn", note_of(waiting.hook_name, waiting.wanted, why))
    await operations.log(conn, tenant_id, [line])
    log.warning("follow_up.refused", operation_id=str(waiting.operation_id), hook_id=str(waiting.hook_id))


def _operation(waiting: Waiting, place: Place) -> NewOperation:
    return NewOperation(
        id=uuid7(),
        connector_id=waiting.connector_id,
        account_id=place.account_id,
        operation_type=OperationType.UPDATE,
        object_class=place.object_class,
        payload=waiting.wanted.payload,
        origin=Origin.API,
        user_id=waiting.identity_id,
        correlation_id=waiting.correlation_id,
        idempotency_key=key_of(waiting.operation_id, waiting.hook_id, waiting.number),
    )


async def _place_or_refusal(
    conn: Connection, whence: Whence, wanted: FollowUp, *, depth: int = 0
) -> tuple[UUID, Place] | Refusal:
    """The connector and the account that a follow-up is for; only the same person's accounts are looked at."""
    if depth >= MOST_DEPTH:
        return Refusal(f"its operation is the {MOST_DEPTH}rd in a row that followed from another; a chain ends there")
    if whence.identity_id is None:
        return _nobodys()
    connector = await _connector(conn, whence, wanted.resource)
    if connector is None:
        return Refusal(f"there is no target {wanted.resource!r}" if wanted.resource else "its target is gone")
    found = await follow_ups.accounts(conn, whence.tenant_id, identity_id=whence.identity_id, connector_id=connector.id)
    alike = [row for row in found if row["object_class"] == whence.object_class] or found
    if len(alike) != 1:
        many = "several accounts of other classes" if alike else "no account"
        return Refusal(f"the person has {many} at {connector.name}")
    [row] = alike
    active = await mappings.active(conn, tenant_id=whence.tenant_id, connector_ids=[connector.id])
    mapping = active.get((connector.id, row["object_class"]))
    rules = mapping.rules if mapping is not None else ()
    return connector.id, Place(
        connector_name=connector.name,
        identity_id=whence.identity_id,
        account_id=row["id"],
        object_class=row["object_class"],
        is_enabled=row["is_enabled"],
        known=frozenset({*(row["wanted"] or {}), *(row["observed"] or {}), *(rule.target for rule in rules)}),
        secrets=frozenset(rule.target for rule in rules if rule.secret),
    )


def _nobodys() -> Refusal:
    return Refusal("the account is nobody's, and changes follow at accounts of the same person alone")


async def _connector(conn: Connection, whence: Whence, resource: str) -> Connector | None:
    where = {"tenant_id": whence.tenant_id}
    if not resource:
        found = await connectors.get(conn, **where, connector_id=whence.connector_id)
    else:
        found = await connectors.by_name(conn, **where, name=resource)
        if found is None and (connector_id := _as_id(resource)) is not None:
            found = await connectors.get(conn, **where, connector_id=connector_id)
    return found if found is not None and found.is_target else None


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def _schema(
    targets: Targets, tenant_id: UUID, connector_id: UUID, wanted: FollowUp, place: Place
) -> ObjectSchema | None:
    """What the target says of its attributes, where that is needed and to be had."""
    if not unknown_names(wanted, place):
        return None
    try:
        async with asyncio.timeout(SCHEMA_S):
            return await (await targets.get(tenant_id, connector_id)).object_schema()
    except (ConnectorError, SettingsError, NotFound, TimeoutError):
        return None


def _problem(wanted: FollowUp, place: Place, schema: ObjectSchema | None) -> Refusal | None:
    if (why := refusal(wanted, place)) is not None:
        return Refusal(why)
    if schema is None or not schema.is_complete:
        return None
    listed = {each.name.casefold() for each in schema.attributes}
    for name in unknown_names(wanted, place):
        plain = name.partition(";")[0] if schema.has_options else name
        if plain.casefold() not in listed and schema.family_of(plain) is None:
            return Refusal(f"{place.connector_name} has no attribute {name!r}")
    return None
