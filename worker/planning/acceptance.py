"""The one door to the queue for whoever changes targets.

Removals are counted here, and too many of them wait; what would change a protected account is refused.

Locks are taken in the order removals of a target (by connector id), then lanes (by account id). A caller that changes
people or has them planned in the same transaction does so before ``accept``, in this order; account rows it changes
after it.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from worker.domain.errors import ProtectedAccount
from worker.domain.operation import NewOperation, Origin, WaitReason
from worker.planning.protections import protected
from worker.queue import OperationQueue
from worker.safeguard import DEFAULT_LIMITS, SafeguardLimits, admitted, threshold
from worker.store import connectors, safeguard
from worker.store.pool import Connection
from worker.store.sql import Record
from worker.telemetry import metrics


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a batch. ``approvals`` are the open approvals, by connector, that the ``held`` wait for.

    ``refused`` would have changed protected accounts: they are dead letters that were never tried.
    """

    ids: tuple[UUID, ...] = ()
    coalesced: tuple[UUID, ...] = ()
    held: int = 0
    approvals: tuple[tuple[UUID, UUID], ...] = ()
    refused: tuple[UUID, ...] = ()

    @property
    def approval_id(self) -> UUID | None:
        """The approval to show when one is enough."""
        return self.approvals[0][1] if self.approvals else None

    def __add__(self, other: "Accepted") -> "Accepted":
        return Accepted(
            self.ids + other.ids,
            self.coalesced + other.coalesced,
            self.held + other.held,
            self.approvals + other.approvals,
            self.refused + other.refused,
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the safeguard would say: ``used`` of ``limit`` removals are spent in 24 hours, ``held`` would wait."""

    used: int
    limit: int
    held: int


class Acceptance:
    """Accepts operations under the safeguard."""

    def __init__(self, queue: OperationQueue, *, limits: SafeguardLimits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self._queue = queue

    async def accept(
        self,
        conn: Connection,
        *,
        tenant_id: UUID,
        operations: Sequence[NewOperation],
        run_id: UUID | None,
        reason: str,
        exempt: bool = False,
    ) -> Accepted:
        """Queue a batch inside the caller's tenant transaction; account rows must exist.

        Removals beyond the target's threshold wait for one approval, which ``reason`` explains to a person in one
        sentence. ``exempt`` is for what one person does to one account; an emergency disable is exempt by its origin.
        Nothing exempts from the protection of accounts.
        """
        operations, refused = await _refuse_protected(conn, tenant_id, operations)
        if not operations:
            return Accepted(refused=refused)
        approvals: dict[UUID, UUID] = {}
        held = 0
        if not exempt:
            weighed = await _weighed(conn, tenant_id, operations, self.limits, run_id=run_id, reason=reason)
            operations, held, approvals = weighed
        queued = await self._queue.enqueue(conn, tenant_id=tenant_id, operations=operations)
        return Accepted(queued.accepted, queued.coalesced, held, tuple(approvals.items()), refused)

    async def foresee(self, conn: Connection, *, tenant_id: UUID, connector_id: UUID, removals: int) -> Verdict:
        """What would become of so many removals at a target now; nothing is counted."""
        used = await safeguard.used(conn, tenant_id=tenant_id, connector_id=connector_id)
        limit = await _limit(conn, tenant_id, connector_id, used + removals, self.limits)
        return Verdict(used, limit, removals - admitted(removals, used=used, limit=limit))

    async def admit(self, conn: Connection, *, tenant_id: UUID, connector_id: UUID, unlinks: int) -> int:
        """Count so many links that are to be taken away, which are removals too; how many of them may be.

        Call it before ``accept`` in the same transaction. Where a removal is no operation there is nothing to hold: the
        rest is to be left as it is, and said so.
        """
        if not unlinks:
            return 0
        passing, _ = await _count(conn, tenant_id, connector_id, unlinks, self.limits)
        return passing


async def _refuse_protected(
    conn: Connection, tenant_id: UUID, batch: Sequence[NewOperation]
) -> tuple[Sequence[NewOperation], tuple[UUID, ...]]:
    """The batch without what would change protected accounts, and the ids of that."""
    found = await protected(conn, tenant_id, batch) if batch else frozenset()
    if not found:
        return batch, ()
    refused = [op for op in batch if op.id in found]
    await safeguard.refuse(
        conn, tenant_id=tenant_id, operations=refused, code=ProtectedAccount.code, message=str(ProtectedAccount())
    )
    return [op for op in batch if op.id not in found], tuple(op.id for op in refused)


async def _weighed(
    conn: Connection,
    tenant_id: UUID,
    batch: Sequence[NewOperation],
    limits: SafeguardLimits,
    *,
    run_id: UUID | None,
    reason: str,
) -> tuple[Sequence[NewOperation], int, dict[UUID, UUID]]:
    """The batch with what must wait marked so, how many those are, and their approvals by connector."""
    removals: dict[UUID, list[NewOperation]] = defaultdict(list)
    for op in batch:
        if op.is_removal and op.origin is not Origin.EMERGENCY:
            removals[op.connector_id].append(op)
    held: dict[UUID, UUID] = {}
    approvals: dict[UUID, UUID] = {}
    for connector_id in sorted(removals):
        wanted, refused = await _parted(conn, tenant_id, removals[connector_id])
        passing, limit = await _count(conn, tenant_id, connector_id, len(wanted), limits)
        if beyond := [*wanted[passing:], *refused]:
            approvals[connector_id] = await _hold(conn, tenant_id, beyond, limit=limit, run_id=run_id, reason=reason)
            held |= dict.fromkeys((op.id for op in beyond), approvals[connector_id])
    if not held:
        return batch, 0, approvals
    marked = [_waiting(op, held[op.id]) if op.id in held else op for op in batch]
    return marked, len(held), approvals


async def _parted(
    conn: Connection, tenant_id: UUID, removals: list[NewOperation]
) -> tuple[list[NewOperation], list[NewOperation]]:
    """The removals that count, and those that a person refused before: they wait for a person, however few they are."""
    found = await safeguard.refused_before(conn, tenant_id=tenant_id, account_ids=[op.account_id for op in removals])
    return [op for op in removals if op.account_id not in found], [op for op in removals if op.account_id in found]


async def _count(
    conn: Connection, tenant_id: UUID, connector_id: UUID, wanted: int, limits: SafeguardLimits
) -> tuple[int, int]:
    """Count what may pass; how many those are, and the limit that says so."""
    await safeguard.lock(conn, tenant_id=tenant_id, connector_id=connector_id)
    used = await safeguard.used(conn, tenant_id=tenant_id, connector_id=connector_id)
    limit = await _limit(conn, tenant_id, connector_id, used + wanted, limits)
    passing = admitted(wanted, used=used, limit=limit)
    await safeguard.count(conn, tenant_id=tenant_id, connector_id=connector_id, accepted=passing)
    return passing, limit


async def _limit(conn: Connection, tenant_id: UUID, connector_id: UUID, removals: int, limits: SafeguardLimits) -> int:
    """How many removals a target may take; its accounts are counted only where that matters."""
    if removals <= limits.floor:
        return limits.floor
    accounts = await safeguard.active_accounts(
        conn, tenant_id=tenant_id, connector_id=connector_id, most=limits.count_up_to
    )
    return threshold(accounts, limits)


async def _hold(
    conn: Connection,
    tenant_id: UUID,
    beyond: list[NewOperation],
    *,
    limit: int,
    run_id: UUID | None,
    reason: str,
) -> UUID:
    shown = beyond[: safeguard.SAMPLE]
    connector = await connectors.get(conn, tenant_id=tenant_id, connector_id=beyond[0].connector_id)
    metrics.safeguard_held_total.labels(connector.name if connector else "").inc(len(beyond))
    known = await safeguard.who(conn, tenant_id=tenant_id, account_ids=[op.account_id for op in shown])
    held = safeguard.Held(
        connector_id=beyond[0].connector_id,
        kind="removals",
        count=len(beyond),
        sample=[_shown(op, known.get(op.account_id)) for op in shown],
        reason=reason,
        threshold=limit,
        run_id=run_id,
    )
    return await safeguard.hold(conn, held, tenant_id=tenant_id)


def _shown(op: NewOperation, account: Record | None) -> dict[str, Any]:
    what = "delete" if op.operation_type.value == "delete" else "disable"
    return {
        "what": what,
        "who": account["user_name"] if account else None,
        "uid": op.target_uid or (account["uid"] if account else None),
    }


def _waiting(op: NewOperation, approval_id: UUID) -> NewOperation:
    return replace(op, wait_reason=WaitReason.APPROVAL, approval_id=approval_id)
