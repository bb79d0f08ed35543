"""Where a daemon looks for something to do: ids and times, one row per tenant, kind and thing.

A producer calls ``ask`` inside the transaction that makes the work; a consumer that found nothing left calls one of the
``settle`` functions, which change nothing while a producer commits. So no wake-up is lost. What a transaction asks for
is written at its end, in one order for everybody: rows are locked for a moment, and nobody waits in a circle.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from worker.domain.operation import OperationType, WaitReason
from worker.store import notify, sql
from worker.store.pool import Connection
from worker.store.sql import load

queries = load("due_work")

#: How many due things are read at once.
PAGE = 500


_TYPES = [str(kind) for kind in OperationType]
_REASONS = [str(reason) for reason in WaitReason]


class Kind(StrEnum):
    """What is due; ``ref_id`` is the connector (claim), the tenant (plan, inbox, follow_up), the run (range), else the
    thing.
    """

    CLAIM = "claim"
    PLAN = "plan"
    SCHEDULE = "schedule"
    RUN = "run"
    INBOX = "inbox"
    REPAIR = "repair"
    RANGE = "range"
    FOLLOW_UP = "follow_up"


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that is due; ``is_urgent``: its handler need not wait for a turn."""

    tenant_id: UUID
    kind: Kind
    ref_id: UUID
    weight: int = 1
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What is due now, and in how many seconds the next thing will be (None: nothing is planned)."""

    due: list[Due]
    next_in_s: float | None = None


@dataclass(frozen=True, slots=True)
class _Wish:
    """What one transaction asks for of one thing; ``at`` None: now."""

    at: datetime | None
    is_urgent: bool

    def with_(self, other: "_Wish") -> "_Wish":
        """Both: the earlier, and urgent when either is."""
        at = None if self.at is None or other.at is None else min(self.at, other.at)
        return _Wish(at, self.is_urgent or other.is_urgent)


#: By tenant, kind and thing.
_Wishes = dict[tuple[UUID, str, UUID], _Wish]
_open: dict[Connection, _Wishes] = {}


async def ask(
    conn: Connection,
    tenant_id: UUID,
    kind: Kind | str,
    ref_id: UUID,
    *,
    at: datetime | None = None,
    is_urgent: bool = False,
) -> None:
    """Make the thing due now (or at ``at``, when that is earlier than what is set); whoever waits is told of it.

    It is so when the tenant transaction is committed. ``is_urgent``: whoever is told need not wait for a turn.
    """
    wishes, key, wish = _open.get(conn), (tenant_id, str(kind), ref_id), _Wish(at, is_urgent)
    if wishes is None:
        await _write(conn, {key: wish})
    else:
        wishes[key] = wish.with_(wishes[key]) if key in wishes else wish


@contextmanager
def collected(conn: Connection) -> Iterator[None]:
    """Collect what a transaction asks for, for ``write_asked`` before its commit."""
    _open[conn] = {}
    try:
        yield
    finally:
        del _open[conn]


async def write_asked(conn: Connection) -> None:
    """Write what this transaction has asked for, last before it commits."""
    wishes = _open[conn]
    await _write(conn, wishes)
    wishes.clear()


async def _write(conn: Connection, wishes: _Wishes) -> None:
    """Every lock that a consumer may hold is had before the first row is."""
    ordered = sorted(wishes)
    for tenant_id, kind, ref_id in ordered:
        await queries.produce.run(conn, tenant_id=tenant_id, kind=kind, ref_id=ref_id)
    for tenant_id, kind, ref_id in ordered:
        wish = wishes[tenant_id, kind, ref_id]
        changed = await queries.ask.run(conn, tenant_id=tenant_id, kind=kind, ref_id=ref_id, due_at=wish.at)
        is_later = wish.at is not None
        asked = notify.Asked(tenant_id, kind, ref_id, is_new=bool(changed), is_later=is_later, is_urgent=wish.is_urgent)
        notify.note_asked(conn, asked)


async def settle(
    conn: Connection, tenant_id: UUID, kind: Kind | str, ref_id: UUID, *, next_due: datetime | None
) -> bool:
    """Put the thing to sleep until ``next_due`` (None: until asked); False when a producer commits now.

    Call it in a tenant transaction, take the lock before you look whether anything is left: see ``quiet``.
    """
    if not await quiet(conn, tenant_id, kind, ref_id):
        return False
    await sleep(conn, tenant_id, kind, ref_id, next_due=next_due)
    return True


async def sleep(
    conn: Connection, tenant_id: UUID, kind: Kind | str, ref_id: UUID, *, next_due: datetime | None = None
) -> None:
    """``settle`` for whoever keeps producers out already (``quiet``)."""
    await queries.settle.run(conn, tenant_id=tenant_id, kind=str(kind), ref_id=ref_id, next_due=next_due)


async def quiet(conn: Connection, tenant_id: UUID, kind: Kind | str, ref_id: UUID) -> bool:
    """Keep producers out until the end of this transaction; False when one commits now."""
    return bool(await queries.try_settle_lock.value(conn, tenant_id=tenant_id, kind=str(kind), ref_id=ref_id))


async def settle_claim(conn: Connection, tenant_id: UUID, connector_id: UUID, *, again_s: float | None = None) -> bool:
    """Put a target's claim to sleep until its next retry is due, unless something is ready; False as in ``settle``.

    With ``again_s`` for so long only: who has not looked at all that is ready cannot know.
    """
    if not await quiet(conn, tenant_id, Kind.CLAIM, connector_id):
        return False
    await queries.settle_claim.run(
        conn, tenant_id=tenant_id, ref_id=connector_id, again_s=again_s, types=_TYPES, reasons=_REASONS
    )
    return True


async def settle_closed(conn: Connection, tenant_id: UUID, connector_id: UUID, *, next_due: datetime | None) -> bool:
    """Put the claim of a closed target to sleep, unless it was opened since; False as in ``settle``."""
    if not await quiet(conn, tenant_id, Kind.CLAIM, connector_id):
        return False
    await queries.settle_closed.run(conn, tenant_id=tenant_id, ref_id=connector_id, next_due=next_due)
    return True


async def weigh(conn: Connection, tenant_id: UUID, connector_id: UUID, *, weight: int) -> None:
    """Set how much of a turn a target gets beside others."""
    await queries.weigh.run(conn, tenant_id=tenant_id, ref_id=connector_id, weight=weight)


async def forget(conn: Connection, tenant_id: UUID, kind: Kind | str, ref_id: UUID) -> None:
    """The thing is over for good."""
    await queries.forget.run(conn, tenant_id=tenant_id, kind=str(kind), ref_id=ref_id)


async def due(conn: Connection, kinds: list[str]) -> list[Due]:
    """All that is due now; see ``look``."""
    return (await look(conn, kinds)).due


async def look(conn: Connection, kinds: list[str]) -> Look:
    """All that is due now, the longest waiting first, and when there will be more.

    All of it: what is at work stays due, and however much that is, it must hide nothing that waits behind it.
    """
    found: list[Due] = []
    last: sql.Record | None = None
    while True:
        rows = await queries.due.rows(
            conn,
            kinds=kinds,
            limit=PAGE,
            after_due_at=last["due_at"] if last else None,
            after_tenant_id=last["tenant_id"] if last else None,
            after_kind=last["kind"] if last else None,
            after_ref_id=last["ref_id"] if last else None,
        )
        page = [row for row in rows if row["kind"] is not None]
        found += [_due(row) for row in page]
        if len(page) < PAGE:
            return Look(found, next((row["in_s"] for row in rows if row["kind"] is None), None))
        last = page[-1]


async def sweep(conn: Connection) -> int:
    """Wake everything once; the number of rows that slept."""
    return await queries.sweep.run(conn)


def _due(row: sql.Record) -> Due:
    return Due(row["tenant_id"], Kind(row["kind"]), row["ref_id"], row["weight"])
