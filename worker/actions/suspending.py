"""Hooks that kept killing their sandbox here are stopped on all daemons until a person resumes them; with an audit."""

from dataclasses import dataclass
from uuid import UUID

import structlog

from worker.domain.hook import HookScript, Suspension
from worker.hooks import HookExecutor
from worker.security import Entry, record
from worker.store import hooks, principals
from worker.store.pool import Pool
from worker.store.tenant import tenant

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Suspended:
    """Counts of one round."""

    hooks: int = 0


class Suspending:
    """Stores what this process's sandbox suspended; harmless when several daemons do it at once."""

    def __init__(self, pool: Pool, executor: HookExecutor) -> None:
        self._pool = pool
        self._executor = executor

    async def run_once(self) -> Suspended:
        """One round. What has no stored hook (drafts, mappings), or not this version of it, just rests here."""
        stored = 0
        for suspension in self._executor.suspensions:
            script, tenant_id = suspension.script, suspension.tenant_id
            if script is None or script.id is None or tenant_id is None:
                continue
            if await self._store(tenant_id, script.id, script, suspension):
                stored += 1
        return Suspended(stored)

    async def _store(self, tenant_id: UUID, hook_id: UUID, script: HookScript, suspension: Suspension) -> bool:
        async with tenant(self._pool, tenant_id) as conn:
            row = await hooks.get(conn, tenant_id=tenant_id, hook_id=hook_id, lock=True)
            if row is None or row["active_version"] != script.version:
                return False
            is_new = row["suspended_at"] is None
            if is_new:
                reason = _reason(suspension)
                await hooks.suspend(conn, tenant_id=tenant_id, hook_id=hook_id, reason=reason)
                by = await principals.ensure(conn, tenant_id, kind="system", name="sandbox")
                details = {"name": script.name, "version": script.version, "reason": reason}
                await record(conn, tenant_id, [Entry(by, "hook.suspend", "hook", str(hook_id), details)])
        self._executor.settle(suspension.key)
        return is_new


def _reason(suspension: Suspension) -> str:
    last = suspension.last
    return f"It kept killing its sandbox or running out of time; the last time ({last.hook_class}): {last.detail}"[:500]
