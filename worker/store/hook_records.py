"""Some calls of hooks as they were, without secrets: what a draft answers to the same is compared with them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.domain.ids import uuid7
from worker.store.pool import Connection
from worker.store.sql import load

queries = load("hook_records")

#: So many calls of a hook are kept, the newest.
KEEP = 100


@dataclass(frozen=True, slots=True)
class Recorded:
    """One call. ``context`` is the ``ctx`` that the script was given, ``answer`` is as in ``domain.hook_trials``."""

    hook_id: UUID
    version: int
    function: str
    context: dict[str, Any]
    answer: dict[str, Any]
    recorded_at: datetime
    id: UUID = field(default_factory=uuid7)


async def add(conn: Connection, tenant_id: UUID, calls: Sequence[Recorded]) -> None:
    """Keep these calls, and of their hooks the newest ``KEEP``."""
    if not calls:
        return
    await queries.add.run(
        conn,
        tenant_id=tenant_id,
        hook_ids=[each.hook_id for each in calls],
        ids=[each.id for each in calls],
        versions=[each.version for each in calls],
        functions=[each.function for each in calls],
        contexts=[each.context for each in calls],
        answers=[each.answer for each in calls],
        recorded_at=[each.recorded_at for each in calls],
    )
    await queries.shorten.run(conn, tenant_id=tenant_id, hook_ids=sorted({each.hook_id for each in calls}), keep=KEEP)


async def recent(conn: Connection, *, tenant_id: UUID, hook_id: UUID, limit: int = KEEP) -> list[Recorded]:
    """The newest calls of a hook, the newest first."""
    rows = await queries.recent.rows(conn, tenant_id=tenant_id, hook_id=hook_id, limit=limit)
    return [
        Recorded(
            hook_id, row["version"], row["function"], row["context"], row["answer"], row["recorded_at"], id=row["id"]
        )
        for row in rows
    ]


async def prune(conn: Connection, tenant_id: UUID, *, before: datetime, limit: int) -> int:
    """Drop calls before a moment; how many."""
    return await queries.prune.run(conn, tenant_id=tenant_id, before=before, limit=limit)
