"""What people do with operations: submit, retry, redrive, cancel, resolve."""

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from worker.actions.house import Act, House, acting, refuse_unstorable
from worker.domain import sealing
from worker.domain.errors import InvalidRequest, NotFound, ProtectedAccount, Untouchable, WrongState
from worker.domain.ids import uuid7
from worker.domain.operation import NewOperation, OperationType, Origin
from worker.domain.redaction import is_secret, unmarked
from worker.planning import protected
from worker.security import Principal, Role, fingerprints, seal_values
from worker.store import accounts, connectors, mappings, operations, safeguard

#: What the API may ask of priorities; 100 is the emergency lane.
HIGHEST_PRIORITY = 99
MOST_RETRIES = 50


async def retry(house: House, principal: Principal, *, operation_id: UUID) -> None:
    """Try again now; raises NotFound, WrongState, or Untouchable for a protected account."""
    async with acting(house, principal, Role.OPERATOR) as act:
        await _count_removal(house, principal, act, operation_id, payload=None)
        await house.letters.retry(act.conn, tenant_id=act.tenant_id, operation_id=operation_id)
        await _refuse_protected(act, operation_id)
        act.note("operation.retry", "operation", operation_id)


async def resolve(house: House, principal: Principal, *, operation_id: UUID, notes: str) -> None:
    """Close a dead letter; a note is wanted."""
    if not notes.strip():
        raise InvalidRequest("Say in resolution_notes why this needs no more work.")
    async with acting(house, principal, Role.OPERATOR) as act:
        await house.letters.resolve(
            act.conn, tenant_id=act.tenant_id, operation_id=operation_id, notes=notes.strip(), by=act.by
        )
        act.note("operation.resolve", "operation", operation_id, notes=notes.strip())


async def cancel(house: House, principal: Principal, *, operation_id: UUID) -> bool:
    """Cancel; False when it runs and was asked to end."""
    async with acting(house, principal, Role.OPERATOR) as act:
        done = await house.letters.cancel(
            act.conn,
            tenant_id=act.tenant_id,
            operation_id=operation_id,
            notes=f"Cancelled by {principal.name}.",
            by=act.by,
        )
        if done:
            await _forget_removal(act, operation_id)
        act.note("operation.cancel", "operation", operation_id, was_running=not done)
    return done


async def redrive(
    house: House, principal: Principal, *, operation_id: UUID, payload: dict[str, Any] | None, origin: Origin
) -> UUID:
    """Make a new operation from a dead letter, corrected if wanted; its id.

    A secret that comes back as it was shown, as its mark, stays what it was. Raises Untouchable when the account is
    protected.
    """
    async with acting(house, principal, Role.OPERATOR) as act:
        if payload is not None:
            payload = await _corrected(house, act, operation_id, payload)
        await _count_removal(house, principal, act, operation_id, payload=payload)
        new = await house.letters.redrive(
            act.conn,
            tenant_id=act.tenant_id,
            operation_id=operation_id,
            by=act.by,
            origin=origin,
            payload=payload,
        )
        await _refuse_protected(act, new)
        act.note(
            "operation.redrive",
            "operation",
            operation_id,
            new=new,
            corrected=sorted({*(payload or {}).get("attributes", {}), *sealing.names_of(payload or {})}),
        )
    return new


@dataclass(frozen=True, slots=True)
class Submission:
    """An operation that somebody asks for; ``payload`` as in ``check_payload``."""

    connector_id: UUID
    user_id: UUID
    operation_type: OperationType
    object_class: str
    payload: dict[str, Any]
    priority: int = 0
    max_retries: int = 10
    idempotency_key: str | None = None

    def body(self, payload: dict[str, Any]) -> dict[str, Any]:
        """What makes two submissions with one idempotency key the same; ``payload`` as it may be remembered."""
        said = {name: value for name, value in asdict(self).items() if name != "idempotency_key"}
        return {**said, "payload": payload}


async def submit(house: House, principal: Principal, wanted: Submission) -> tuple[UUID, bool]:
    """Accept an operation; its id, and False when the same key had made it before.

    Raises NotFound for an unknown connector or identity, InvalidRequest for a payload that cannot be, WrongState when
    the key was used with another body, Untouchable for a protected account.
    """
    _check_submission(wanted)
    async with acting(house, principal, Role.OPERATOR) as act:
        new_id = uuid7()
        secrets = await _secrets_of(act, wanted)
        known = await _known(house, act, wanted, new_id, secrets=secrets)
        if known is not None:
            act.note("operation.submit_again", "operation", known)
            return known, False
        accepted = await house.acceptance.accept(
            act.conn,
            tenant_id=act.tenant_id,
            operations=[await _new(house, act, wanted, new_id, secrets=secrets)],
            run_id=None,
            reason="asked through the API",
            exempt=principal.kind != "token",  # a person's act on one account; a script may loop
        )
        if accepted.refused:
            raise Untouchable
        act.note(
            "operation.submit",
            "operation",
            new_id,
            connector_id=wanted.connector_id,
            operation_type=wanted.operation_type.value,
        )
    return new_id, True


async def _new(house: House, act: Act, wanted: Submission, new_id: UUID, *, secrets: frozenset[str]) -> NewOperation:
    account_id = await _account_of(act, wanted.connector_id, wanted.user_id, wanted.object_class)
    return NewOperation(
        id=new_id,
        connector_id=wanted.connector_id,
        account_id=account_id,
        operation_type=wanted.operation_type,
        object_class=wanted.object_class,
        payload=_sealed(house, act, wanted.payload, account_id=account_id, secrets=secrets),
        origin=Origin.API,
        user_id=wanted.user_id,
        priority=wanted.priority,
        max_retries=wanted.max_retries,
        idempotency_key=wanted.idempotency_key,
        created_by=act.by,
    )


async def _forget_removal(act: Act, operation_id: UUID) -> None:
    """A planned removal that was cancelled: planning must not go on to believe it done."""
    row = await operations.queries.archived.row(act.conn, tenant_id=act.tenant_id, id=operation_id)
    if row is None or not Origin(row["origin"]).is_coalesced:
        return
    if _is_removal(row["operation_type"], row["payload"]):
        await safeguard.forget_removals(act.conn, tenant_id=act.tenant_id, account_ids=[row["account_id"]])


async def _count_removal(
    house: House, principal: Principal, act: Act, operation_id: UUID, *, payload: dict[str, Any] | None
) -> None:
    """Count a removal that was none when it was accepted, or never was accepted: a script may send many of them.

    Raises WrongState when the safeguard lets no more of them through. What a person does to one account is exempt.
    """
    row = await operations.find(act.conn, act.tenant_id, operation_id) if principal.kind == "token" else None
    if row is None or not _is_removal(row["operation_type"], row["payload"] if payload is None else payload):
        return
    is_counted = row["error_code"] != ProtectedAccount.code and _is_removal(row["operation_type"], row["payload"])
    where = {"tenant_id": act.tenant_id, "connector_id": row["connector_id"]}
    if not is_counted and not await house.acceptance.admit(act.conn, **where, unlinks=1):
        raise WrongState(
            "The safeguard lets no more accounts of this target be removed in 24 hours; a person has to send this one.",
            current=row,
        )


def _is_removal(operation_type: str, payload: dict[str, Any]) -> bool:
    return operation_type == OperationType.DELETE or payload.get("active") is False


async def _refuse_protected(act: Act, operation_id: UUID) -> None:
    row = await operations.find(act.conn, act.tenant_id, operation_id)
    if row is not None and await protected(act.conn, act.tenant_id, [operations.from_row(row)]):
        raise Untouchable


async def _corrected(house: House, act: Act, operation_id: UUID, payload: dict[str, Any]) -> dict[str, Any]:
    """A payload that a person corrected: with the secrets behind its marks, and new ones sealed."""
    row = await operations.find(act.conn, act.tenant_id, operation_id)
    if row is None:
        return payload
    payload = unmarked(payload, sealing.joined(row["payload"], row.get("secrets")))
    carried = sealing.sealed_of(payload)
    opened = sealing.with_sealed(payload, {})
    check_payload(opened)
    secrets = await _marked_secret(act, row["connector_id"], row["object_class"], opened)
    made = _sealed(house, act, opened, account_id=row["account_id"], secrets=secrets)
    return sealing.with_sealed(made, carried | sealing.sealed_of(made))


async def _secrets_of(act: Act, wanted: Submission) -> frozenset[str]:
    return await _marked_secret(act, wanted.connector_id, wanted.object_class, wanted.payload)


async def _marked_secret(act: Act, connector_id: UUID, object_class: str, payload: dict[str, Any]) -> frozenset[str]:
    """The names of a payload whose values are secrets: by the mapping, or by what they are called."""
    given = {name for name, value in (payload.get("attributes") or {}).items() if value is not None}
    active = await mappings.active(act.conn, tenant_id=act.tenant_id, connector_ids=[connector_id]) if given else {}
    mapping = active.get((connector_id, object_class))
    marked = {rule.target for rule in mapping.rules if rule.secret} if mapping else set()
    return frozenset(name for name in given if name in marked or is_secret(name))


def _sealed(
    house: House, act: Act, payload: dict[str, Any], *, account_id: UUID, secrets: frozenset[str]
) -> dict[str, Any]:
    """The payload with its secrets sealed for this account."""
    attributes: dict[str, Any] = payload.get("attributes") or {}
    plain = {name: value for name, value in attributes.items() if name in secrets}
    if not plain:
        return payload
    sealed = seal_values(plain, vault=house.vault, tenant_id=act.tenant_id, account_id=account_id)
    kept = {name: value for name, value in attributes.items() if name not in secrets}
    return sealing.with_sealed({**payload, "attributes": kept}, sealed)


async def _known(house: House, act: Act, wanted: Submission, new_id: UUID, *, secrets: frozenset[str]) -> UUID | None:
    """The operation that the key made before; WrongState when it was another one."""
    key = wanted.idempotency_key
    if key is None:
        return None
    body_hash = operations.body_hash(wanted.body(_rememberable(house, act, wanted, secrets)))
    fresh = await operations.queries.idempotent.run(
        act.conn, tenant_id=act.tenant_id, key=key, body_hash=body_hash, operation_id=new_id
    )
    if fresh:
        return None
    row = await operations.queries.idempotency_key.row(act.conn, tenant_id=act.tenant_id, key=key)
    if row is None or row["body_hash"] != body_hash:
        raise WrongState("This idempotency key was used with another request.")
    found: UUID = row["operation_id"]
    return found


def _rememberable(house: House, act: Act, wanted: Submission, secrets: frozenset[str]) -> dict[str, Any]:
    """The payload with fingerprints for secrets: a plain hash of a short password could be guessed."""
    if not secrets:
        return wanted.payload
    attributes: dict[str, Any] = wanted.payload.get("attributes") or {}
    plain = {name: value for name, value in attributes.items() if name in secrets}
    marks = fingerprints(plain, vault=house.vault, tenant_id=act.tenant_id, account_id=wanted.user_id)
    return {**wanted.payload, "attributes": attributes | marks}


async def _account_of(act: Act, connector_id: UUID, user_id: UUID, object_class: str) -> UUID:
    connector = await connectors.get(act.conn, tenant_id=act.tenant_id, connector_id=connector_id)
    if connector is None or not connector.is_target:
        raise NotFound(f"There is no target connector {connector_id}.")
    account_id = await accounts.ensure_of_identity(
        act.conn, act.tenant_id, connector_id=connector_id, identity_id=user_id, object_class=object_class
    )
    if account_id is None:
        raise NotFound(f"There is no identity {user_id}.")
    return account_id


def _check_submission(wanted: Submission) -> None:
    refuse_unstorable("object class", wanted.object_class)
    check_payload(wanted.payload)
    if not 0 <= wanted.priority <= HIGHEST_PRIORITY:
        raise InvalidRequest(f"priority is between 0 and {HIGHEST_PRIORITY}.")
    if not 0 <= wanted.max_retries <= MOST_RETRIES:
        raise InvalidRequest(f"max_retries is between 0 and {MOST_RETRIES}.")


def check_payload(payload: dict[str, Any]) -> None:
    """Refuse a payload that is not ``{"attributes": {name: value | [values] | null}, "active"?: bool}``."""
    unknown = payload.keys() - {"attributes", "active"}
    if unknown:
        raise InvalidRequest(f"payload has no field {min(unknown)}; it has attributes and active.")
    attributes = payload.get("attributes", {})
    if not isinstance(attributes, dict):
        raise InvalidRequest("payload.attributes is an object of names and values.")
    if "active" in payload and not isinstance(payload["active"], bool):
        raise InvalidRequest("payload.active is true or false.")
    for name, value in attributes.items():
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, str | int | float | bool | None):
                raise InvalidRequest(f"payload.attributes.{name} is a value or a list of values, not an object.")
            if isinstance(one, str) and ("\0" in one or any("\ud800" <= c <= "\udfff" for c in one)):
                raise InvalidRequest(f"payload.attributes.{name} has characters that no target can store.")
