"""How long runs, findings, what was done about them and decided cases are kept. The audit is never touched."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from worker.safeguard import HISTORY
from worker.store import retention, runs, workers
from worker.store.pool import Connection, Pool
from worker.store.tenant import tenant
from worker.telemetry import metrics

log = structlog.get_logger()

#: Rows that one transaction deletes.
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Terms:
    """Days for which each is kept after it is over."""

    runs: int
    findings: int
    proposals: int
    cases: int


@dataclass(frozen=True, slots=True)
class Retired:
    """Counts of one round."""

    runs: int = 0
    findings: int = 0
    actions: int = 0
    cases: int = 0


class Retention:
    """Lets go of what is older than its term; harmless when several daemons do it at once."""

    def __init__(self, pool: Pool, terms: Terms) -> None:
        self._pool = pool
        self._terms = terms

    async def run_once(self, *, now: datetime | None = None) -> Retired:
        """One round over all tenants; ``now`` is the database's time unless it is given."""
        async with self._pool.acquire() as conn:
            now = now or await runs.now(conn)
            tenants = [row["id"] for row in await workers.tenants(conn)]
        total = Retired()
        for tenant_id in tenants:
            found = await self._retire(tenant_id, now)
            total = Retired(*(a + b for a, b in zip(asdict(total).values(), asdict(found).values(), strict=True)))
        for what, count in asdict(total).items():
            metrics.retired_total.labels(what).inc(count)
        if total != Retired():
            log.info("reconciliation.retired", **asdict(total))
        return total

    async def _retire(self, tenant_id: UUID, now: datetime) -> Retired:
        """Findings first: what was done about them goes with them, and then the runs that nothing is of any more."""
        terms = self._terms
        old = {name: now - timedelta(days=days) for name, days in asdict(terms).items()}

        def dropping(drop: Callable[..., Awaitable[int]], before: datetime) -> Callable[[Connection], Awaitable[int]]:
            return lambda conn: drop(conn, tenant_id, before=before, limit=BATCH)

        async def some_runs(conn: Connection) -> int:
            return await retention.drop_runs(conn, tenant_id, before=old["runs"], limit=BATCH, kept=HISTORY)

        findings = await self._all(tenant_id, dropping(retention.drop_findings, old["findings"]))
        proposed = await self._all(tenant_id, dropping(retention.drop_proposals, old["proposals"]))
        done = await self._all(tenant_id, dropping(retention.drop_actions, old["findings"]))
        over = await self._all(tenant_id, some_runs)
        decided = await self._all(tenant_id, dropping(retention.drop_cases, old["cases"]))
        return Retired(over, findings, proposed + done, decided)

    async def _all(self, tenant_id: UUID, some: Callable[[Connection], Awaitable[int]]) -> int:
        """Some a transaction, until one of them is not full."""
        total, done = 0, BATCH
        while done == BATCH:
            async with tenant(self._pool, tenant_id) as conn:
                done = await some(conn)
            total += done
        return total
