"""How fast we call one target, and how many calls at once: a token bucket, pure, and a turnstile."""

import asyncio
import math
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Self

from worker.telemetry.pulse import boottime

#: A bucket holds what flows in during this time, so that a pause earns only a short burst.
BURST_S = 0.1


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """Calls a second that a target grants us. ``tokens`` below zero are calls already promised a later moment."""

    rate: float
    burst: float
    tokens: float
    at: float

    @classmethod
    def full(cls, rate: float, *, now: float) -> Self:
        """Make a bucket for ``rate`` calls a second."""
        burst = max(1.0, rate * BURST_S)
        return cls(rate=rate, burst=burst, tokens=burst, at=now)

    def at_rate(self, rate: float, *, now: float, is_empty: bool = False) -> Self:
        """The same with another rate: what was promised stays promised. ``is_empty``: nothing has flowed in yet."""
        burst = max(1.0, rate * BURST_S)
        tokens = min(0.0 if is_empty else burst, self._filled(now))
        return replace(self, rate=rate, burst=burst, tokens=tokens, at=max(now, self.at))

    def delay(self, now: float) -> float:
        """How many seconds a call that asks now has to wait."""
        return max(0.0, (1.0 - self._filled(now)) / self.rate)

    def take(self, now: float) -> Self:
        """Promise one call the moment that ``delay`` names; calls keep the order in which they ask."""
        return replace(self, tokens=self._filled(now) - 1.0, at=max(now, self.at))

    def _filled(self, now: float) -> float:
        return min(self.burst, self.tokens + max(0.0, now - self.at) * self.rate)


class Turnstile:
    """Lets as many through at once as its limit says, in the order they came; the limit may change at any time.

    A lower limit throws nobody out.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._until = math.inf
        self._queue: deque[asyncio.Future[None]] = deque()
        self.inside = 0

    @property
    def limit(self) -> int:
        return self._limit

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def is_free(self) -> bool:
        """Whether the next one gets in at once."""
        return self._has_room and not self._queue

    def set_limit(self, limit: int, *, until: float = math.inf) -> None:
        """Let so many through, until that moment of ``boottime`` nobody any more: others go on while we sleep."""
        self._limit, self._until = limit, until
        self._let_in()

    async def enter(self) -> None:
        """Wait for a place; it is given back with ``leave``."""
        if self.is_free:
            self.inside += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with suppress(ValueError):
                    self._queue.remove(turn)
            else:  # it came at the same moment
                self.leave()
            raise

    def leave(self) -> None:
        self.inside -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self._queue and self._has_room:
            turn = self._queue.popleft()
            if not turn.done():
                self.inside += 1
                turn.set_result(None)

    @property
    def _has_room(self) -> bool:
        return self.inside < self._limit and boottime() < self._until
