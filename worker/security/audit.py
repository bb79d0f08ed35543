"""The audit: who did what to which object, each entry bound to the one before by its hash.

hash = SHA-256(prev_hash || canonical JSON of (tenant_id, n, at, actor_id, action, object_type, object_id, details)).
An entry is written in the transaction of the act it tells of: no audit, no act.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from worker.store import audit
from worker.store.pool import Connection

GENESIS = hashlib.sha256(b"provisiond audit").digest()


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody did: ``action`` like ``operation.retry``, the object, and details without secrets."""

    actor_id: UUID
    action: str
    object_type: str
    object_id: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the chain found; ``broken_at`` is the first entry that does not fit."""

    entries: int
    broken_at: int | None = None
    reason: str | None = None


async def record(conn: Connection, tenant_id: UUID, entries: Sequence[Entry]) -> None:
    """Append entries inside the act's own tenant transaction."""
    if not entries:
        return
    n, prev, at = await audit.head(conn, tenant_id, genesis=GENESIS)
    rows: list[audit.Row] = []
    for entry in entries:
        n += 1
        details = json.loads(json.dumps(entry.details, default=str))
        hashed = chain(prev, tenant_id=tenant_id, n=n, at=at, entry=entry, details=details)
        rows.append(
            audit.Row(n, entry.actor_id, entry.action, entry.object_type, entry.object_id, details, prev, hashed)
        )
        prev = hashed
    await audit.append(conn, tenant_id, at=at, rows=rows)


def chain(prev: bytes, *, tenant_id: UUID, n: int, at: datetime, entry: Entry, details: dict[str, Any]) -> bytes:
    """The hash of one entry behind ``prev``."""
    said = [
        str(tenant_id),
        n,
        at.astimezone(UTC).isoformat(timespec="microseconds"),
        str(entry.actor_id),
        entry.action,
        entry.object_type,
        entry.object_id,
        details,
    ]
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(prev + text.encode()).digest()


async def verify(conn: Connection, tenant_id: UUID) -> Verdict:
    """Walk the whole chain of a tenant and compare its end with what the head says."""
    prev, n = GENESIS, 0
    while rows := await audit.entries(conn, tenant_id, after=n):
        for row in rows:
            entry = Entry(row["actor_id"], row["action"], row["object_type"], row["object_id"])
            hashed = chain(prev, tenant_id=tenant_id, n=row["n"], at=row["at"], entry=entry, details=row["details"])
            if row["n"] != n + 1:
                return Verdict(n, n + 1, "an entry is missing")
            if row["prev_hash"] != prev or row["hash"] != hashed:
                return Verdict(n, row["n"], "the entry does not fit the one before")
            prev, n = row["hash"], row["n"]
    head = await audit.end(conn, tenant_id)
    if head is not None and (head["n"] != n or (n and head["hash"] != prev)):
        return Verdict(n, n + 1, "the last entries are missing")
    return Verdict(n)
