"""What this process does not run for a while, for it killed its sandbox again and again; and who was told."""

import time

from structlog.typing import FilteringBoundLogger

from worker.domain.errors import HookError
from worker.domain.hook import Suspension
from worker.hooks.job import Job
from worker.hooks.strikes import Strikes
from worker.telemetry import metrics


class Suspensions:
    """Counts misdeeds of programs, and keeps those that rest until they are settled, resumed or over."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._strikes = Strikes()
        self._unsettled: dict[str, Suspension] = {}

    @property
    def keys(self) -> frozenset[str]:
        """Programs that may not run."""
        return self._strikes.suspended(now=time.monotonic())

    @property
    def unsettled(self) -> tuple[Suspension, ...]:
        """What was suspended here and is neither settled nor resumed."""
        return tuple(self._unsettled.values())

    def holds(self, key: str) -> bool:
        """Whether ``key`` may not run."""
        return self._strikes.is_suspended(key, now=time.monotonic())

    def strike(self, job: Job, weight: int, error: HookError) -> None:
        """Count a misdeed of a program; the last one too many suspends it."""
        if not self._strikes.add(job.conduct, weight, now=time.monotonic()):
            return
        for key in self._unsettled.keys() - self.keys:
            del self._unsettled[key]
        self._unsettled[job.conduct] = Suspension(job.conduct, error, tenant_id=job.tenant_id, script=job.script)
        metrics.hook_suspensions_total.labels("mapping" if job.script is None else "hook").inc()
        whose = job.title | ({} if job.tenant_id is None else {"tenant_id": str(job.tenant_id)})
        self._log.error("hook.suspended", key=job.key[:16], hook_class=error.hook_class, **whose)

    def settle(self, key: str) -> None:
        """A suspension is stored where all daemons look: here it ends within seconds."""
        self._unsettled.pop(key, None)
        self._strikes.settle(key, now=time.monotonic())

    def resume(self, key: str) -> bool:
        """Let ``key`` run again with a clean record; false when it was not suspended."""
        self._unsettled.pop(key, None)
        return self._strikes.lift(key)
