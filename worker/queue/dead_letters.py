"""What people do with operations that failed, wait or were given up: retry, redrive, resolve, cancel."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from worker.domain import sealing
from worker.domain.errors import NotFound, ProtectedAccount, WrongState
from worker.domain.ids import uuid7
from worker.domain.operation import NewOperation, OperationStatus, OperationType, Origin
from worker.queue.cancelling import cancel
from worker.queue.submission import OperationQueue
from worker.store import due_work, operations
from worker.store.operations import Fence
from worker.store.pool import Connection
from worker.store.sql import Record

S = OperationStatus
#: The error code of a wish that planning could not put into attributes.
NOT_MAPPED = "mapping.failed"
#: Refused before they were ever tried: another try of many at once helps none of them, and a removal among them was
#: never counted by the safeguard.
_NEVER_ACCEPTED = frozenset({NOT_MAPPED, ProtectedAccount.code})


class DeadLetters:
    """Every act works inside the caller's tenant transaction and raises NotFound or WrongState.

    WrongState carries the operation as it is now in ``fields["current"]``.
    """

    def __init__(self, queue: OperationQueue) -> None:
        self._queue = queue

    async def retry(self, conn: Connection, *, tenant_id: UUID, operation_id: UUID) -> None:
        """Try again now: the same row, its retries counted anew."""
        row = await self._in_state(conn, tenant_id, operation_id, (S.FAILED, S.DEAD_LETTER), verb="retried")
        _refuse_unmapped(row)
        if row["status"] == S.FAILED:
            moved = await operations.queries.retry_now.rows(conn, tenant_id=tenant_id, ids=[operation_id])
        else:
            await self._lane(conn, tenant_id, row)
            moved = await operations.exhume(conn, tenant_id, [operation_id])
        await self._moved(conn, tenant_id, operation_id, moved, "A person asked for another try.")

    async def retry_many(self, conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID]) -> list[Record]:
        """Try dead letters again now; those that went back to work (id, connector_id).

        What was refused before it was ever tried stays: it takes a look at each.
        """
        letters = await operations.queries.dead_letter_lanes.rows(conn, tenant_id=tenant_id, ids=list(ids))
        tried = [row["id"] for row in letters if row["error_code"] not in _NEVER_ACCEPTED]
        return await operations.exhume(conn, tenant_id, tried)

    async def resolve(self, conn: Connection, *, tenant_id: UUID, operation_id: UUID, notes: str, by: UUID) -> None:
        """Close a dead letter with a note."""
        await self._in_state(conn, tenant_id, operation_id, (S.DEAD_LETTER,), verb="resolved")
        done = await operations.queries.resolve.rows(
            conn, tenant_id=tenant_id, ids=[operation_id], notes=notes, resolved_by=by
        )
        if not done:
            raise WrongState("Somebody else was first.", current=await operations.find(conn, tenant_id, operation_id))
        await operations.log(conn, tenant_id, [(operation_id, "info", f"Resolved by a person: {notes}")])

    async def cancel(self, conn: Connection, *, tenant_id: UUID, operation_id: UUID, notes: str, by: UUID) -> bool:
        """Cancel what waits at once (True); ask the worker of a running one to end it (False)."""
        row = await self._in_state(
            conn, tenant_id, operation_id, (S.PENDING, S.FAILED, S.AWAITING_SYSTEM, S.IN_PROGRESS), verb="cancelled"
        )
        if row["status"] == S.IN_PROGRESS:
            await operations.queries.request_cancel.run(conn, tenant_id=tenant_id, id=operation_id, by=by)
            await operations.log(
                conn, tenant_id, [(operation_id, "info", "A person asked to cancel it while it runs.")]
            )
            return False
        fence = Fence(id=operation_id, epoch=row["epoch"], account_id=row["account_id"])
        done = await cancel(conn, tenant_id, [fence], notes=notes, by=by)
        if not done:
            raise WrongState("Somebody else was first.", current=await operations.find(conn, tenant_id, operation_id))
        await operations.log(conn, tenant_id, [(operation_id, "info", f"Cancelled by a person: {notes}")])
        await due_work.ask(conn, tenant_id, due_work.Kind.CLAIM, row["connector_id"])
        return True

    async def redrive(
        self,
        conn: Connection,
        *,
        tenant_id: UUID,
        operation_id: UUID,
        by: UUID,
        origin: Origin,
        payload: dict[str, Any] | None = None,
    ) -> UUID:
        """Make a new operation from a dead letter, corrected if wanted, and resolve the old one; the new id."""
        row = await self._in_state(conn, tenant_id, operation_id, (S.DEAD_LETTER,), verb="sent again")
        if payload is None:
            _refuse_unmapped(row)
        await self._lane(conn, tenant_id, row)
        new = _again(row, origin=origin, by=by)
        new = replace(new, payload=payload) if payload is not None else new
        await self._queue.enqueue(conn, tenant_id=tenant_id, operations=[new])
        await self.resolve(
            conn, tenant_id=tenant_id, operation_id=operation_id, notes=f"Sent again as {new.id}.", by=by
        )
        return new.id

    async def _in_state(
        self, conn: Connection, tenant_id: UUID, operation_id: UUID, states: Sequence[OperationStatus], *, verb: str
    ) -> Record:
        row = await operations.find(conn, tenant_id, operation_id)
        if row is None:
            raise NotFound(f"There is no operation {operation_id}.")
        if row["status"] not in states:
            raise WrongState(f"An operation that is {row['status']} cannot be {verb}.", current=row)
        return row

    async def _lane(self, conn: Connection, tenant_id: UUID, row: Record) -> None:
        """Lock the account that an operation is to go back to; raises WrongState when we know no such account now."""
        if not await operations.lock_lanes(conn, tenant_id, [row["account_id"]]):
            raise WrongState("The account it was for is not in our records any more: resolve it.", current=row)

    async def _moved(
        self, conn: Connection, tenant_id: UUID, operation_id: UUID, moved: Sequence[Record], message: str
    ) -> None:
        if not moved:
            raise WrongState("Somebody else was first.", current=await operations.find(conn, tenant_id, operation_id))
        await operations.log(conn, tenant_id, [(operation_id, "info", message)])
        await due_work.ask(conn, tenant_id, due_work.Kind.CLAIM, moved[0]["connector_id"])


def _refuse_unmapped(row: Record) -> None:
    if row["error_code"] == NOT_MAPPED:
        raise WrongState(
            "Nothing could be mapped for this account, so there is nothing to send: mend the person's data or the "
            "mapping, and it is planned again by itself.",
            current=row,
        )


def _again(row: Record, *, origin: Origin, by: UUID) -> NewOperation:
    return NewOperation(
        id=uuid7(),
        connector_id=row["connector_id"],
        account_id=row["account_id"],
        operation_type=OperationType(row["operation_type"]),
        object_class=row["object_class"],
        payload=sealing.joined(row["payload"], row["secrets"]),
        origin=origin,
        user_id=row["user_id"],
        target_uid=row["target_uid"],
        priority=row["priority"],
        max_retries=row["max_retries"],
        identity_version=row["identity_version"],
        mapping_version=row["mapping_version"],
        correlation_id=row["correlation_id"],
        redrive_of=row["id"],
        created_by=by,
    )
