"""Where a create looks for candidates: among our records of accounts that nobody owns, or what was read already."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from worker.domain.correlation import Candidate, MatchKey
from worker.domain.operation import Operation
from worker.store import correlation, work
from worker.store.pool import Pool
from worker.store.tenant import tenant

#: With more keys of unowned accounts than this, the database is asked about every key.
MOST_KEYS = 20_000
KEYS_FRESH_S = 2.0


@dataclass(frozen=True, slots=True)
class _Keys:
    """Hashes of the keys of accounts that nobody owns; None where they are too many to hold."""

    hashes: frozenset[int] | None
    read_at: float


class Unowned:
    """Our records of accounts that nobody owns; which keys they have is read at most every two seconds."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: dict[UUID, _Keys] = {}

    async def records(self, op: Operation) -> "Records":
        """Those at the target of an operation, as a source of candidates."""
        known = self._known.get(op.connector_id)
        if known is None or time.monotonic() - known.read_at > KEYS_FRESH_S:
            known = await self._read(op)
        return Records(self._pool, op, known.hashes)

    async def _read(self, op: Operation) -> _Keys:
        read_at = time.monotonic()
        async with tenant(self._pool, op.tenant_id) as conn:
            hashes = await work.unowned_keys(conn, op.tenant_id, connector_id=op.connector_id, limit=MOST_KEYS + 1)
        found = _Keys(frozenset(hashes) if len(hashes) <= MOST_KEYS else None, read_at)
        # Of targets that nothing is made at any more they need not be held.
        self._known = {key: each for key, each in self._known.items() if read_at - each.read_at < KEYS_FRESH_S}
        self._known[op.connector_id] = found
        return found


class Records:
    """Candidates from our records."""

    def __init__(self, pool: Pool, op: Operation, hashes: frozenset[int] | None) -> None:
        self.hashes = hashes
        self._pool = pool
        self._op = op

    async def by_keys(self, keys: Sequence[Sequence[MatchKey]], limit: int) -> list[list[Candidate]]:
        op = self._op
        async with tenant(self._pool, op.tenant_id) as conn:
            return await correlation.by_keys(
                conn, tenant_id=op.tenant_id, connector_id=op.connector_id, keys=keys, limit=limit
            )


class Given:
    """Candidates that were read already: they are compared with everybody who has a key."""

    hashes: frozenset[int] | None = None

    def __init__(self, candidates: list[Candidate]) -> None:
        self._candidates = candidates

    async def by_keys(self, keys: Sequence[Sequence[MatchKey]], limit: int) -> list[list[Candidate]]:
        return [self._candidates[:limit] for _ in keys]
