"""When to stop calling a sick target, and how to come back: a pure state machine with the time passed in.

- closed: calls go; five system failures in a row open it;
- open: nothing goes but one probe every 30 s, which one worker claims by moving ``probe_at``;
- half open: after a probe that succeeded. One call at a time first; each success allows one more, which doubles the
  number with every round (1, 2, 4, ...); at the target's limit it closes, a system failure opens it again.

All of it is in the target's rows, and is moved there under a lock: failures are counted, and calls allowed, for all
workers together.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self, assert_never

from worker.domain.connector import BreakerState

FAILURES_TO_OPEN = 5
PROBE_EVERY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Breaker:
    """One target's breaker. A move that changes nothing returns the same object, so that nothing is written."""

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    opened_at: datetime | None = None
    probe_at: datetime | None = None
    ramp: int = 1

    def allowed(self, limit: int) -> int:
        """How many calls may run at once where the target's own limit is ``limit``; a probe is extra."""
        match self.state:
            case BreakerState.CLOSED:
                return limit
            case BreakerState.OPEN:
                return 0
            case BreakerState.HALF_OPEN:
                return min(self.ramp, limit)
            case _:
                assert_never(self.state)

    def is_probe_due(self, now: datetime) -> bool:
        return self.state is BreakerState.OPEN and (self.probe_at is None or self.probe_at <= now)

    def claim_probe(self, now: datetime) -> Self:
        """Take the due probe, so that no other worker sends one within the next 30 s."""
        return replace(self, probe_at=now + PROBE_EVERY)

    def on_probe(self, now: datetime, *, succeeded: bool) -> Self:
        """Note what the probe met."""
        if self.state is not BreakerState.OPEN:
            return self
        if succeeded:
            return replace(self, state=BreakerState.HALF_OPEN, failures=0, probe_at=None, ramp=1)
        return replace(self, failures=self.failures + 1, probe_at=now + PROBE_EVERY)

    def on_success(self, limit: int) -> Self:
        """Note that the target answered. While open it changes nothing: only a probe may close the gap."""
        if self.state is BreakerState.CLOSED:
            return replace(self, failures=0) if self.failures else self
        if self.state is BreakerState.OPEN:
            return self
        if self.ramp + 1 >= limit:
            return type(self)()
        return replace(self, ramp=self.ramp + 1)

    def on_system_failure(self, now: datetime) -> Self:
        """Note that the target could not be used. Failures of calls that were under way while it opened are ignored."""
        if self.state is BreakerState.OPEN:
            return self
        failures = self.failures + 1
        if self.state is BreakerState.CLOSED and failures < FAILURES_TO_OPEN:
            return replace(self, failures=failures)
        return replace(
            self,
            state=BreakerState.OPEN,
            failures=failures,
            opened_at=self.opened_at or now,
            probe_at=now + PROBE_EVERY,
            ramp=1,
        )
