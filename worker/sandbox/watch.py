"""The time of one call: a budget the interpreter asks about, and two kernel timers that ask nobody.

What counts is processor time. A script cannot sleep or wait for anything, so only a machine that is busy elsewhere
makes the clock run ahead of it, and that is not the script's doing; the clock itself is only the last bound.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from worker.sandbox.frames import cpu_ceiling, wall_ceiling


def arm_timers(cpu_s: float, wall_s: float) -> None:
    """Let the kernel end this process after so much processor time or so long, whatever it is doing; zeros disarm."""
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    signal.setitimer(signal.ITIMER_REAL, wall_s)


class Watch:
    """Limits one piece of work at a time; ``arm`` sets the timers of last resort."""

    def __init__(self, arm: Callable[[float, float], None] = arm_timers) -> None:
        self._arm = arm
        self._end = 0.0

    @contextmanager
    def limit(self, budget_s: float) -> Iterator[None]:
        """Within the block ``is_late`` turns true after the budget; native code that never asks dies of a signal."""
        self._end = time.thread_time() + budget_s
        self._arm(cpu_ceiling(budget_s), wall_ceiling(budget_s))
        try:
            yield
        finally:
            self._arm(0, 0)

    def is_late(self) -> bool:
        """Whether the running work has used up its budget; Starlark asks after every thousand steps."""
        return time.thread_time() > self._end
