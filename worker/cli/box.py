"""The sandbox as the daemon has it: its processes, its limits, its demand of the kernel."""

import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from worker.domain.hook import HookLimits
from worker.hooks import HookExecutor
from worker.settings import Hooks


@asynccontextmanager
async def open_box(settings: Hooks) -> AsyncIterator[HookExecutor]:
    """A sandbox for one verb; what it would log is told by the verb itself."""
    quiet = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr), wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL)
    )
    limits = HookLimits(budget_ms=settings.call_ms, memory_mb=settings.memory_mb)
    async with HookExecutor(
        workers=settings.workers, limits=limits, require_seccomp=settings.require_seccomp, log=quiet
    ) as box:
        yield box
