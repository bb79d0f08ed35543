"""What is to be planned, and what planning writes down about accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from worker.domain.account import Account, AccountState
from worker.domain.ids import uuid7
from worker.domain.operation import Origin
from worker.store import due_work, identities, identity_sources, operations
from worker.store.due_work import Kind
from worker.store.identities import StoredIdentity
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("plan_items")

#: Sorts before every id.
FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One person to plan; ``identity`` is None when the row is gone. ``ask`` tells one ask from the next."""

    identity_id: UUID
    ask: int
    origin: Origin
    run_id: UUID | None
    correlation_id: UUID | None
    identity: StoredIdentity | None

    @property
    def seen(self) -> tuple[int, int | None]:
        """What must still hold when the plan is written: the ask, and the version of the person."""
        return self.ask, self.identity.version if self.identity else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an account should be, as planning decided it; all None and ``active`` False: it should not be at all."""

    account_id: UUID
    connector_id: UUID
    object_class: str
    identity_id: UUID
    attributes: dict[str, Any] | None
    active: bool | None
    mapping_version: int | None
    identity_version: int


@dataclass(frozen=True, slots=True)
class Complaint:
    """Why a wish cannot be made into an operation; the message is for a person and holds no value."""

    account_id: UUID
    connector_id: UUID
    object_class: str
    identity_id: UUID
    operation_type: str
    message: str
    item: PlanItem
    identity_version: int
    mapping_version: int | None


async def ask(
    conn: Connection,
    *,
    tenant_id: UUID,
    identity_ids: Sequence[UUID],
    origin: Origin,
    run_id: UUID | None = None,
    correlation_ids: Sequence[UUID | None] | None = None,
) -> None:
    """Have these people planned (again); call it in the transaction that changed them. Repeated ids are one ask."""
    if not identity_ids:
        return
    wanted = dict(zip(identity_ids, correlation_ids or [None] * len(identity_ids), strict=True))
    await queries.ask.run(
        conn,
        tenant_id=tenant_id,
        ids=list(wanted),
        correlation_ids=list(wanted.values()),
        origin=origin.value,
        run_id=run_id,
    )
    await due_work.ask(conn, tenant_id, Kind.PLAN, tenant_id)


async def ask_if_outranked(conn: Connection, *, tenant_id: UUID) -> None:
    """Have whoever plans next judge people anew where connectors' precedences are others than they were judged by."""
    sharing = await identity_sources.sharing(conn, tenant_id)
    if sharing.names and await identity_sources.compare_numbers(conn, tenant_id, numbers=sharing.numbers):
        await due_work.ask(conn, tenant_id, Kind.PLAN, tenant_id)


async def ask_after(
    conn: Connection,
    *,
    tenant_id: UUID,
    after: UUID | None,
    origin: Origin,
    correlation_id: UUID | None = None,
    limit: int = 10_000,
) -> UUID | None:
    """Have the next ``limit`` people in id order planned; where to go on, or None when these were the last.

    For a change that concerns everybody, such as a new mapping version or scope: see ``planned_targets``.
    """
    row = await queries.ask_after.row(
        conn, tenant_id=tenant_id, after=after, origin=origin.value, correlation_id=correlation_id, limit=limit
    )
    if row is None or row["last"] is None:
        return None
    await due_work.ask(conn, tenant_id, Kind.PLAN, tenant_id)
    return UUID(str(row["last"])) if row["n"] == limit else None


async def ask_these(conn: Connection, *, tenant_id: UUID, identity_ids: Sequence[UUID], origin: Origin) -> None:
    """Have these people planned for a change that concerns them; one who is asked for already stays so, once more."""
    if identity_ids:
        await queries.ask_these.run(conn, tenant_id=tenant_id, ids=list(identity_ids), origin=origin.value)
        await due_work.ask(conn, tenant_id, Kind.PLAN, tenant_id)


async def batch(conn: Connection, *, tenant_id: UUID, after: UUID, limit: int) -> list[PlanItem]:
    """The next people to plan in id order, with what is stored of them."""
    return [_item(row) for row in await queries.batch.rows(conn, tenant_id=tenant_id, after=after, limit=limit)]


async def take(conn: Connection, *, tenant_id: UUID, items: Sequence[PlanItem]) -> set[UUID]:
    """Lock the items that are still as they were read; the ids of those, the others are left for another time."""
    rows = await queries.take.rows(conn, tenant_id=tenant_id, ids=[item.identity_id for item in items])
    now = {row["identity_id"]: (row["ask"], row["version"]) for row in rows}
    return {item.identity_id for item in items if now.get(item.identity_id) == item.seen}


async def remove(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID], planned_at: Sequence[UUID]) -> None:
    """These are planned at these targets, and were passed over at every other; ``take`` must have locked them."""
    if ids:
        await queries.remove.run(conn, tenant_id=tenant_id, ids=list(ids), planned_at=list(planned_at))


async def settle(conn: Connection, *, tenant_id: UUID) -> bool:
    """Put planning to sleep unless something is left or being asked for; whether it sleeps."""
    if not await due_work.quiet(conn, tenant_id, Kind.PLAN, tenant_id):
        return False
    if await queries.any_left.value(conn, tenant_id=tenant_id):
        return False
    await due_work.sleep(conn, tenant_id, Kind.PLAN, tenant_id)
    return True


async def accounts_of(
    conn: Connection, *, tenant_id: UUID, identity_ids: Sequence[UUID], connector_ids: Sequence[UUID]
) -> dict[tuple[UUID, UUID, str], Account]:
    """Accounts by (identity, connector, object class); ``observed`` is read only where nothing is wanted yet."""
    rows = await queries.accounts_of.rows(
        conn, tenant_id=tenant_id, identity_ids=list(identity_ids), connector_ids=list(connector_ids)
    )
    return {(row["identity_id"], row["connector_id"], row["object_class"]): _account(row) for row in rows}


async def insert_accounts(conn: Connection, *, tenant_id: UUID, wanted: Sequence[Wanted]) -> set[UUID]:
    """Make the rows of accounts to come; the ids that were inserted, which lacks those somebody just linked."""
    if not wanted:
        return set()
    rows = await queries.insert_accounts.rows(
        conn,
        tenant_id=tenant_id,
        connector_ids=[each.connector_id for each in wanted],
        object_classes=[each.object_class for each in wanted],
        identity_ids=[each.identity_id for each in wanted],
        **_wishes(wanted),
    )
    return {row["id"] for row in rows}


async def write_wanted(conn: Connection, *, tenant_id: UUID, wanted: Sequence[Wanted]) -> None:
    if wanted:
        await queries.write_wanted.run(conn, tenant_id=tenant_id, **_wishes(wanted))


async def complain(
    conn: Connection, *, tenant_id: UUID, identity_ids: Sequence[UUID], complaints: Sequence[Complaint]
) -> None:
    """Make the dead letters of these people say what cannot be mapped now, and nothing that was cured.

    One that says the same already is left alone, so that planning again writes nothing.
    """
    known = await queries.complaints.rows(conn, tenant_id=tenant_id, identity_ids=list(identity_ids))
    if not known and not complaints:
        return
    wanted = {(each.identity_id, each.connector_id, each.message) for each in complaints}
    said = {(row["user_id"], row["connector_id"], row["error_message"]): row["id"] for row in known}
    await _withdraw(conn, tenant_id, [id_ for key, id_ in said.items() if key not in wanted])
    new = [each for each in complaints if (each.identity_id, each.connector_id, each.message) not in said]
    if new:
        await queries.complain.run(conn, tenant_id=tenant_id, **_complaints(new))


async def _withdraw(conn: Connection, tenant_id: UUID, cured: list[UUID]) -> None:
    if cured:
        await operations.queries.resolve.rows(
            conn, tenant_id=tenant_id, ids=cured, notes="Planned again; this no longer holds.", resolved_by=None
        )


def _complaints(new: Sequence[Complaint]) -> dict[str, list[Any]]:
    return {
        "ids": [uuid7() for _ in new],
        "connector_ids": [each.connector_id for each in new],
        "account_ids": [each.account_id for each in new],
        "user_ids": [each.identity_id for each in new],
        "operation_types": [each.operation_type for each in new],
        "object_classes": [each.object_class for each in new],
        "messages": [each.message for each in new],
        "origins": [each.item.origin.value for each in new],
        "identity_versions": [each.identity_version for each in new],
        "mapping_versions": [each.mapping_version for each in new],
        "run_ids": [each.item.run_id for each in new],
        "correlation_ids": [each.item.correlation_id for each in new],
    }


def _wishes(wanted: Sequence[Wanted]) -> dict[str, list[Any]]:
    return {
        "ids": [each.account_id for each in wanted],
        "wanted": [each.attributes for each in wanted],
        "wanted_active": [each.active for each in wanted],
        "mapping_versions": [each.mapping_version for each in wanted],
        "identity_versions": [each.identity_version for each in wanted],
    }


def _item(row: Record) -> PlanItem:
    identity = identities.from_row(row) if row["id"] is not None else None
    return PlanItem(
        row["identity_id"], row["ask"], Origin(row["origin"]), row["run_id"], row["correlation_id"], identity
    )


def _account(row: Record) -> Account:
    return Account(
        id=row["id"],
        connector_id=row["connector_id"],
        object_class=row["object_class"],
        uid=row["uid"],
        identity_id=row["identity_id"],
        state=AccountState(row["state"]),
        wanted=row["wanted"],
        wanted_active=row["wanted_active"],
        observed=row["observed"],
        observed_active=row["observed_active"],
        live=row["live"],
        secret_marks=row["secret_marks"],
    )
