"""The time of one call, measured twice: a deadline the interpreter asks about, and a kernel timer that asks nobody."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from worker.sandbox.frames import call_ceiling


def arm_alarm(seconds: float) -> None:
    """Let the kernel end this process in ``seconds``, whatever it is doing; 0 disarms."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


class Watch:
    """Limits one piece of work at a time; ``arm`` sets the timer of last resort."""

    def __init__(self, arm: Callable[[float], None] = arm_alarm) -> None:
        self._arm = arm
        self._deadline = 0.0

    @contextmanager
    def limit(self, budget_s: float) -> Iterator[None]:
        """Within the block ``is_late`` turns true after the budget; native code that never asks dies of SIGALRM."""
        self._deadline = time.monotonic() + budget_s
        self._arm(call_ceiling(budget_s))
        try:
            yield
        finally:
            self._arm(0)

    def is_late(self) -> bool:
        """Whether the running work has used up its budget; Starlark asks after every thousand steps."""
        return time.monotonic() > self._deadline
