"""Saved tests of hooks: what a function has to answer to a context. They run before a version is activated."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from worker.domain.ids import uuid7
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("hook_tests")

MAX_TESTS = 200


@dataclass(frozen=True, slots=True)
class SavedTest:
    """``context`` may be a part of ``ctx``; ``expected`` is in the words of ``domain/hook_trials.py``."""

    name: str
    function: str
    context: dict[str, Any] = field(default_factory=dict)
    expected: dict[str, Any] = field(default_factory=dict)
    id: UUID = field(default_factory=uuid7)

    @property
    def etag(self) -> int:
        """What it says, as a number of up to 18 digits: another one once anybody has changed it."""
        said = json.dumps([self.name, self.function, self.context, self.expected], sort_keys=True)
        return int.from_bytes(hashlib.sha256(said.encode()).digest()[:7])


async def page(
    conn: Connection,
    *,
    tenant_id: UUID,
    hook_id: UUID,
    test_id: UUID | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[Record]:
    """(id, name, function, context, expected, created_at, created_by, created_by_name), by name."""
    which = {"hook_id": hook_id, "id": test_id, "limit": limit, "offset": offset}
    return await queries.page.rows(conn, tenant_id=tenant_id, **which)


async def everyone(conn: Connection, *, tenant_id: UUID, hook_id: UUID) -> list[SavedTest]:
    """The tests of a hook as they run, by name; at most ``MAX_TESTS``, which is all that a hook may have."""
    return [from_row(row) for row in await page(conn, tenant_id=tenant_id, hook_id=hook_id, limit=MAX_TESTS)]


async def count(conn: Connection, *, tenant_id: UUID, hook_id: UUID) -> int:
    """How many there are."""
    return int(await queries.count.value(conn, tenant_id=tenant_id, hook_id=hook_id))


async def insert(
    conn: Connection, test: SavedTest, *, tenant_id: UUID, hook_id: UUID, created_by: UUID | None = None
) -> bool:
    """Store a test; False when the hook has one of this name."""
    values = _values(test) | {"tenant_id": tenant_id, "hook_id": hook_id, "created_by": created_by}
    return bool(await queries.insert.run(conn, **values))


async def replace(conn: Connection, test: SavedTest, *, tenant_id: UUID, hook_id: UUID) -> bool:
    """Write another test in its place; False when there is none, or another one has the name."""
    return bool(await queries.replace.run(conn, tenant_id=tenant_id, hook_id=hook_id, **_values(test)))


async def delete(conn: Connection, *, tenant_id: UUID, hook_id: UUID, test_id: UUID) -> bool:
    """Delete a test; False when there is none."""
    return bool(await queries.delete.run(conn, tenant_id=tenant_id, hook_id=hook_id, id=test_id))


def from_row(row: Record) -> SavedTest:
    """A row of ``page`` as a test."""
    return SavedTest(row["name"], row["function"], row["context"], row["expected"], row["id"])


def _values(test: SavedTest) -> dict[str, Any]:
    return {
        "id": test.id,
        "name": test.name,
        "function": test.function,
        "context": test.context,
        "expected": test.expected,
    }
