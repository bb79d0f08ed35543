"""The time in which a daemon stops: its steps share one deadline, so that none of them can hold up the end."""

import asyncio
import time
from collections.abc import Awaitable

import structlog

log = structlog.get_logger()

#: What every step gets, even when nothing is left: most end at once.
LEAST_S = 0.05


class Closing:
    """A deadline that begins with the first step. What is cut short is found again by the lease."""

    def __init__(self, *, within_s: float) -> None:
        self._within_s = within_s
        self._until: float | None = None

    @property
    def left_s(self) -> float:
        """Seconds until the deadline, and at least a moment."""
        if self._until is None:
            self._until = time.monotonic() + self._within_s
        return max(self._until - time.monotonic(), LEAST_S)

    async def step(self, what: str, act: Awaitable[object], *, sparing_s: float = 0.0) -> bool:
        """Do this until the deadline, less ``sparing_s`` for the steps behind it; False when that was not enough."""
        try:
            async with asyncio.timeout(max(self.left_s - sparing_s, LEAST_S)):
                await act
        except TimeoutError:
            log.warning("daemon.stop_cut_short", step=what)
            return False
        return True
