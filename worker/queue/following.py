"""What hooks want to follow from an operation becomes durable with its end."""

from collections.abc import Container, Sequence
from uuid import UUID

from worker.domain.outcome import Succeeded
from worker.domain.processing import Finished
from worker.store import due_work, follow_ups
from worker.store.pool import Connection


async def write_follow_ups(
    conn: Connection, tenant_id: UUID, part: Sequence[Finished], *, done: Container[UUID]
) -> None:
    """Write down what follows from those tries that ended their operations, in the transaction that writes the end."""
    wanted = [
        (finished.operation, each)
        for finished in part
        if isinstance(finished.outcome, Succeeded) and finished.operation.id in done
        for each in finished.outcome.follow_ups
    ]
    if not wanted:
        return
    first = await follow_ups.insert(conn, tenant_id, wanted)
    if first is not None:
        is_now = any(each.wanted.after_seconds == 0 for _, each in wanted)
        at = None if is_now else first
        await due_work.ask(conn, tenant_id, due_work.Kind.FOLLOW_UP, tenant_id, at=at)
