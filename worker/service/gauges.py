"""Gauges that are read now and then, not kept up by whoever changes what they measure."""

from datetime import UTC, datetime

from worker.hooks import HookExecutor
from worker.store import overview
from worker.store.pool import Pool
from worker.telemetry import metrics

HOLDERS = ("ours", "other", "prepared", "slot")
STATUSES = ("pending", "in_progress", "failed", "awaiting_system")


class Gauges:
    """Sets the depth of the queue, what waits for people, live workers, how the queue's table and history are kept,
    and what this process keeps open."""

    def __init__(self, pool: Pool, hooks: HookExecutor) -> None:
        self._pool = pool
        self._hooks = hooks

    async def run_once(self) -> None:
        """One round."""
        async with self._pool.acquire() as conn:
            depth = await overview.depth(conn)
            storage = await overview.storage(conn)
        _set_waiting(depth)
        _set_storage(storage)
        metrics.workers_alive.set(depth.workers)
        self._set_own()

    def _set_own(self) -> None:
        idle = self._pool.get_idle_size()
        metrics.database_pool_connections.labels("idle").set(idle)
        metrics.database_pool_connections.labels("busy").set(self._pool.get_size() - idle)
        children = self._hooks.status.pool
        metrics.hook_workers.set(children.idle + children.busy)


def _set_waiting(depth: overview.Depth) -> None:
    for status in {*STATUSES, *depth.by_status}:
        metrics.queue_depth.labels(status).set(depth.by_status[status])
    metrics.queue_target_depth.clear()
    for (connector, status), count in depth.by_target.items():
        metrics.queue_target_depth.labels(connector, status).set(count)
    metrics.held_oldest_seconds.set(_age(depth.held_since))
    for connector, count in depth.dead_letters.items():
        metrics.dead_letters.labels(connector).set(count)
    for connector, count in depth.open_cases.items():
        metrics.open_cases.labels(connector).set(count)
    metrics.oldest_pending_seconds.set(_age(depth.oldest_pending))
    metrics.inbox_depth.set(depth.inbox)


def _set_storage(storage: overview.Storage) -> None:
    metrics.queue_rows.labels("live").set(storage.live_rows)
    metrics.queue_rows.labels("dead").set(storage.dead_rows)
    holder = storage.horizon["kind"] if storage.horizon else None
    for each in HOLDERS:
        held = storage.horizon if storage.horizon and each == holder else {}
        metrics.oldest_snapshot_transactions.labels(each).set(held.get("transactions") or 0)
        metrics.oldest_snapshot_seconds.labels(each).set(held.get("seconds") or 0)
    for gauge, day in (
        (metrics.history_first_day_timestamp, storage.first_day),
        (metrics.history_last_day_timestamp, storage.last_day),
    ):
        gauge.set(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() if day else 0)


def _age(since: datetime | None) -> float:
    return max(0.0, (datetime.now(UTC) - since).total_seconds()) if since else 0.0
