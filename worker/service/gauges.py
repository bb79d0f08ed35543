"""Gauges that are read from the database now and then, not kept up by whoever changes the queue."""

from datetime import UTC, datetime

from worker.store import overview, workers
from worker.store.pool import Pool
from worker.telemetry import metrics

STATUSES = ("pending", "in_progress", "failed", "awaiting_system")


class Gauges:
    """Sets the depth of the queue, dead letters, events that wait and live workers."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def run_once(self) -> None:
        """One round."""
        async with self._pool.acquire() as conn:
            depth = await overview.depth(conn)
            alive = await workers.alive(conn)
        for status in STATUSES:
            metrics.queue_depth.labels(status).set(depth.by_status[status])
        for connector, count in depth.dead_letters.items():
            metrics.dead_letters.labels(connector).set(count)
        oldest = depth.oldest_pending
        metrics.oldest_pending_seconds.set((datetime.now(UTC) - oldest).total_seconds() if oldest else 0)
        metrics.inbox_depth.set(depth.inbox)
        metrics.workers_alive.set(len(alive))
