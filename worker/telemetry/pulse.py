"""Whether this process was held still: stopped, asleep with its machine, or kept from its event loop for long.

Time that passed meanwhile says nothing about whoever we waited for: the answer may lie before us unread, or was given
up on the other side because we did not go on.
"""

import asyncio
import math
import time
from collections.abc import Callable

EVERY_S = 0.5
#: So much later than it was due, a beat was held up by more than other work.
HELD_S = 3.0


def boottime() -> float:
    """Seconds of a clock that also counts the time for which the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Pulse:
    """Beats on the event loop while somebody watches; a beat that comes later than ``held_s`` is remembered."""

    def __init__(self, *, held_s: float = HELD_S, clock: Callable[[], float] = boottime) -> None:
        self._held_s = held_s
        self._clock = clock
        self._watchers = 0
        self._beat_at = -math.inf
        self._held_at = -math.inf
        self._next: asyncio.TimerHandle | None = None

    def begin(self) -> float:
        """Watch from now on, until ``end``; what ``was_held_since`` is asked with."""
        self._watchers += 1
        if self._next is None:
            self._beat_at = self._clock()
            self._next = asyncio.get_running_loop().call_later(EVERY_S, self._beat)
        else:
            self._note()
        return self._clock()

    def end(self) -> None:
        """Watch no longer."""
        self._watchers -= 1

    def was_held_since(self, began: float) -> bool:
        """Whether the process was held still at any moment after ``began``."""
        self._note()
        return self._held_at > began

    def _beat(self) -> None:
        self._note()
        self._beat_at = self._clock()
        going_on = self._watchers > 0
        self._next = asyncio.get_running_loop().call_later(EVERY_S, self._beat) if going_on else None

    def _note(self) -> None:
        """The beat is late: it may come in this very round of the loop, behind who asks."""
        now = self._clock()
        if now - self._beat_at > EVERY_S + self._held_s:
            self._beat_at = self._held_at = now
