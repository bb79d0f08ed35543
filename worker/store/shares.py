"""What processes share of a target: slots and rate, how far it has come back, and until when it wants to be left alone.

Asked for every few seconds by whoever works on the target; nothing here is read or written for a single operation.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.domain.connector import BreakerState
from worker.domain.share import Need, Part, Share, divided
from worker.store.pool import Connection
from worker.store.sql import load

queries = load("shares")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a target is to be treated by everybody; ``held_s`` is how long it still wants to be left alone."""

    state: BreakerState
    failures: int
    opened_at: datetime | None
    probe_at: datetime | None
    ramp: int
    held_s: float


async def take(
    conn: Connection,
    tenant_id: UUID,
    connector_id: UUID,
    *,
    worker: UUID,
    need: Need,
    slots: int,
    rate: float | None,
    is_back: bool,
) -> Share:
    """Ask for a share of ``slots`` calls at once and ``rate`` calls a second, in a tenant transaction.

    ``is_back``: the target is coming back, so there are only as many slots as its ramp says. What a process held whose
    lease is over is free at once: it may change nothing any more.
    """
    row = await queries.lock.row(conn, tenant_id=tenant_id, connector_id=connector_id)
    if row is None:
        raise LookupError("a row that was written is returned")
    whole = min(slots, row["ramp"]) if is_back else slots
    parts = await _of_the_living(conn, [_part(each) for each in row["holders"]], but=worker)
    after, share = divided(parts, worker, need, slots=whole, rate=rate, now=row["now"])
    await _write(conn, tenant_id, connector_id, after)
    return share


async def give_back(conn: Connection, tenant_id: UUID, connector_id: UUID, *, worker: UUID) -> None:
    """Leave the whole to the others."""
    row = await queries.lock.row(conn, tenant_id=tenant_id, connector_id=connector_id)
    if row is not None:
        left = [part for part in map(_part, row["holders"]) if part.worker != worker and part.until > row["now"]]
        await _write(conn, tenant_id, connector_id, left)


async def standing(conn: Connection, tenant_id: UUID, connector_id: UUID) -> Standing | None:
    """How the target is to be treated now; None when there is no such connector."""
    row = await queries.standing.row(conn, tenant_id=tenant_id, connector_id=connector_id)
    if row is None:
        return None
    return Standing(
        state=BreakerState(row["breaker_state"]),
        failures=row["breaker_failures"],
        opened_at=row["breaker_opened_at"],
        probe_at=row["breaker_probe_at"],
        ramp=row["ramp"],
        held_s=row["held_s"] or 0.0,
    )


async def hold(conn: Connection, tenant_id: UUID, connector_id: UUID, *, seconds: float) -> None:
    """Note that the target asked to be left alone for so long; an earlier and longer wish stands."""
    await queries.hold.run(conn, tenant_id=tenant_id, connector_id=connector_id, seconds=seconds)


async def lock_breaker(conn: Connection, tenant_id: UUID, connector_id: UUID) -> Standing | None:
    """The same as ``standing``, kept from everybody else until this transaction ends."""
    await queries.lock_breaker.row(conn, tenant_id=tenant_id, connector_id=connector_id)
    return await standing(conn, tenant_id, connector_id)


async def set_ramp(conn: Connection, tenant_id: UUID, connector_id: UUID, *, ramp: int) -> None:
    """Set how many calls at once a target that comes back may get, from all processes together."""
    await queries.lock.row(conn, tenant_id=tenant_id, connector_id=connector_id)
    await queries.set_ramp.run(conn, tenant_id=tenant_id, connector_id=connector_id, ramp=ramp)


async def _of_the_living(conn: Connection, parts: list[Part], *, but: UUID) -> list[Part]:
    others = [part.worker for part in parts if part.worker != but]
    if not others:
        return parts
    alive = {row["id"] for row in await queries.alive.rows(conn, ids=others)}
    return [part for part in parts if part.worker == but or part.worker in alive]


async def _write(conn: Connection, tenant_id: UUID, connector_id: UUID, parts: Iterable[Part]) -> None:
    holders = [asdict(part) | {"worker": str(part.worker)} for part in parts]
    await queries.write.run(conn, tenant_id=tenant_id, connector_id=connector_id, holders=holders)


def _part(row: dict[str, Any]) -> Part:
    return Part(UUID(row["worker"]), row["slots"], row["rate"], row["wants"], row["until"])
