"""The time of one call, measured twice: a deadline the interpreter asks about, and a kernel timer that asks nobody."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from worker.sandbox.frames import call_ceiling


class Watch:
    """Limits one piece of work at a time."""

    def __init__(self) -> None:
        self._deadline = 0.0

    @contextmanager
    def limit(self, budget_s: float) -> Iterator[None]:
        """Within the block ``is_late`` turns true after the budget; native code that never asks dies of SIGALRM."""
        self._deadline = time.monotonic() + budget_s
        signal.setitimer(signal.ITIMER_REAL, call_ceiling(budget_s))
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def is_late(self) -> bool:
        """Whether the running work has used up its budget; Starlark asks after every thousand steps."""
        return time.monotonic() > self._deadline
