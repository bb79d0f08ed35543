"""How fast we call one target: a token bucket, pure, with the time passed in."""

from dataclasses import dataclass, replace
from typing import Self

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

    def delay(self, now: float) -> float:
        """How many seconds a call that asks now has to wait."""
        return max(0.0, (1.0 - self._filled(now)) / self.rate)

    def take(self, now: float) -> Self:
        """Promise one call the moment that ``delay`` names; calls keep the order in which they ask."""
        return replace(self, tokens=self._filled(now) - 1.0, at=max(now, self.at))

    def _filled(self, now: float) -> float:
        return min(self.burst, self.tokens + max(0.0, now - self.at) * self.rate)
