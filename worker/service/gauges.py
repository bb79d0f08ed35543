"""Gauges that are read now and then, not kept up by whoever changes what they measure."""

from datetime import UTC, datetime

from worker.hooks import HookExecutor
from worker.store import overview, workers
from worker.store.pool import Pool
from worker.telemetry import metrics

STATUSES = ("pending", "in_progress", "failed", "awaiting_system")


class Gauges:
    """Sets the depth of the queue, what waits for people, live workers, and what this process keeps open."""

    def __init__(self, pool: Pool, hooks: HookExecutor) -> None:
        self._pool = pool
        self._hooks = hooks

    async def run_once(self) -> None:
        """One round."""
        async with self._pool.acquire() as conn:
            depth = await overview.depth(conn)
            alive = await workers.alive(conn)
        _set_waiting(depth)
        metrics.workers_alive.set(len(alive))
        self._set_own()

    def _set_own(self) -> None:
        idle = self._pool.get_idle_size()
        metrics.database_pool_connections.labels("idle").set(idle)
        metrics.database_pool_connections.labels("busy").set(self._pool.get_size() - idle)
        children = self._hooks.status.pool
        metrics.hook_workers.set(children.idle + children.busy)


def _set_waiting(depth: overview.Depth) -> None:
    for status in STATUSES:
        metrics.queue_depth.labels(status).set(depth.by_status[status])
    for connector, count in depth.dead_letters.items():
        metrics.dead_letters.labels(connector).set(count)
    for connector, count in depth.open_cases.items():
        metrics.open_cases.labels(connector).set(count)
    oldest = depth.oldest_pending
    metrics.oldest_pending_seconds.set((datetime.now(UTC) - oldest).total_seconds() if oldest else 0)
    metrics.inbox_depth.set(depth.inbox)
