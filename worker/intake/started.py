"""The audit of runs that no person started: a file that changed, an event that asked for one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from worker.domain.connector import Connector
from worker.domain.run import Run
from worker.security import Entry, record
from worker.store import principals
from worker.store.pool import Connection


@dataclass(frozen=True, slots=True)
class StartedRun:
    """A run with its connector, and what it was started for."""

    run: Run
    connector: Connector
    cause: dict[str, str] = field(default_factory=dict)


async def note_started(conn: Connection, tenant_id: UUID, started: Sequence[StartedRun], *, by: str) -> None:
    """Write runs into the audit in the name of a part of the system; last in the transaction that started them.

    The end of the chain stays locked until the commit, so nothing that may wait comes after it.
    """
    if not started:
        return
    actor = await principals.ensure(conn, tenant_id, kind="system", name=by)
    await record(conn, tenant_id, [_entry(actor, each) for each in started])


def _entry(actor: UUID, started: StartedRun) -> Entry:
    run = started.run
    details = {
        "connector": started.connector.name,
        "mode": run.mode.value,
        "dry_run": run.dry_run,
        **started.cause,
    }
    return Entry(actor, "run.start", "run", str(run.id), details)
