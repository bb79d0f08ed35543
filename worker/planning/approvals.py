"""The end of an approval: what waits for it goes on, or is cancelled and no longer counts as removed.

Locks are taken in the order of whoever holds removals: removals of the target, the approval, lanes, account rows.
"""

from dataclasses import dataclass
from uuid import UUID

from worker.domain.errors import InvalidRequest, NotFound, WrongState
from worker.domain.run import PauseReason, RunStatus
from worker.store import due_work, operations, run_history, runs, safeguard
from worker.store.due_work import Kind
from worker.store.pool import Connection
from worker.store.sql import Record


@dataclass(frozen=True, slots=True)
class Decided:
    """What a decision set in motion. ``kind``: removals, growth, incomplete_source or incomplete_target."""

    approval_id: UUID
    connector_id: UUID
    kind: str
    run_id: UUID | None
    released: int = 0
    cancelled: int = 0


async def decide_approval(
    conn: Connection,
    tenant_id: UUID,
    approval_id: UUID,
    *,
    approve: bool,
    by: UUID,
    seen: int | None = None,
    notes: str | None = None,
) -> Decided:
    """Write a person's decision and let what waited for it go on, or cancel it; a run paused for it goes on either way.

    ``seen`` is the version of the approval that the person was shown: nobody approves what they have not seen. Raises
    NotFound, InvalidRequest for an approval without it, and WrongState when somebody decided before or more has come to
    be held since.
    """
    row = await _lock(conn, tenant_id, approval_id)
    if approve:
        _refuse_unseen(row, seen)
    status = "approved" if approve else "rejected"
    return await _close(conn, tenant_id, row, status=status, by=by, notes=notes, why="A person refused the removal.")


async def expire_approval(
    conn: Connection, tenant_id: UUID, approval_id: UUID, *, by: UUID, seen: int, notes: str, is_late: bool = False
) -> Decided:
    """Reject what nobody decided, with all that follows from it; ``notes`` say why. Raises as ``decide_approval``.

    ``is_late``: somebody should have decided, so the run that waited for it fails; else it goes on.
    """
    row = await _lock(conn, tenant_id, approval_id)
    _refuse_unseen(row, seen)
    why = "Nobody approved the removal in time."
    if is_late and row["run_id"] is not None:
        error = f"{notes} {row['reason']}"[:1000]
        await run_history.fail_unapproved(
            conn, tenant_id=tenant_id, run_id=row["run_id"], approval_id=approval_id, error_message=error
        )
    return await _close(conn, tenant_id, row, status="expired", by=by, notes=notes, why=why)


async def _lock(conn: Connection, tenant_id: UUID, approval_id: UUID) -> Record:
    """The approval, locked and still open."""
    found = await safeguard.approval(conn, tenant_id=tenant_id, approval_id=approval_id)
    if found is not None:  # in the order of those who hold removals, or the two wait for each other
        await safeguard.lock(conn, tenant_id=tenant_id, connector_id=found["connector_id"])
    row = await safeguard.lock_approval(conn, tenant_id=tenant_id, approval_id=approval_id)
    if row is None:
        raise NotFound(f"There is no approval {approval_id}.")
    if row["status"] != "open":
        raise WrongState(f"This was {row['status']} already.", current=dict(row.items()))
    return row


def _refuse_unseen(row: Record, seen: int | None) -> None:
    if seen is None:
        raise InvalidRequest("Say what you approve: the version of the approval as it was shown to you.")
    if seen != row["version"]:
        raise WrongState(
            "More has come to be held since you looked; look again before you approve.", current=dict(row.items())
        )


async def _close(
    conn: Connection, tenant_id: UUID, row: Record, *, status: str, by: UUID, notes: str | None, why: str
) -> Decided:
    released = cancelled = 0
    if row["kind"] == "removals":
        waiting = await safeguard.held_operations(conn, tenant_id=tenant_id, approval_id=row["id"])
        if status == "approved":
            released = await _release(conn, tenant_id, row, waiting)
        else:
            cancelled = await _cancel(conn, tenant_id, waiting, by=by, why=why)
        await due_work.ask(conn, tenant_id, Kind.CLAIM, row["connector_id"])
    held = released + cancelled if row["kind"] == "removals" else row["held"]
    await safeguard.decide(
        conn, tenant_id=tenant_id, approval_id=row["id"], status=status, held=held, by=by, notes=notes
    )
    if row["run_id"] is not None:
        await _resume(conn, tenant_id, row["run_id"], row["id"])
    return Decided(row["id"], row["connector_id"], row["kind"], row["run_id"], released, cancelled)


async def _release(conn: Connection, tenant_id: UUID, row: Record, waiting: list[operations.Fence]) -> int:
    """Let the held operations go, and count them.

    With their lanes locked: a plan that wants an account again at this moment finds its removal, and undoes it.
    """
    await operations.lock_lanes(conn, tenant_id, [fence.account_id for fence in waiting])
    await safeguard.forgive(conn, tenant_id=tenant_id, account_ids=[fence.account_id for fence in waiting])
    woken = await operations.queries.wake.rows(conn, tenant_id=tenant_id, approval_id=row["id"], case_id=None)
    await safeguard.count(conn, tenant_id=tenant_id, connector_id=row["connector_id"], accepted=len(woken))
    return len(woken)


async def _cancel(conn: Connection, tenant_id: UUID, waiting: list[operations.Fence], *, by: UUID, why: str) -> int:
    """Cancel the held operations. Planning believed their accounts removed, and asks again next time."""
    cancelled = set(await operations.cancel(conn, tenant_id, waiting, notes=why, by=by))
    accounts = [fence.account_id for fence in waiting if fence.id in cancelled]
    await safeguard.forget_removals(conn, tenant_id=tenant_id, account_ids=accounts)
    return len(cancelled)


async def _resume(conn: Connection, tenant_id: UUID, run_id: UUID, approval_id: UUID) -> None:
    """Let a run go on that was put down for this decision; one that a person paused stays where it is."""
    run = await runs.get(conn, tenant_id=tenant_id, run_id=run_id)
    if run is None or run.status is not RunStatus.PAUSED or run.pause_reason != PauseReason.SAFEGUARD:
        return
    if run.approval_id == approval_id:
        await runs.resume(conn, tenant_id=tenant_id, run_id=run_id)
