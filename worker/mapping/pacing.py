"""Mapping is work in the daemon itself: so that nobody waits for it, it gives way to the event loop between its steps.

What maps is pure, and written as a generator: it yields where it may be left for a while, and returns what it made.
"""

import asyncio
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

from worker.mapping.spec import Apply

T = TypeVar("T")
Steps = Generator[None, None, T]

#: How long the event loop waits for a step that is not the last.
TURN_S = 0.02
#: A text or a list of this length makes the next transform worth a step of its own.
LARGE = 2048


class Pace:
    """Knows when it is the turn of others. ``clock`` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends = clock() + TURN_S

    async def through(self, steps: Steps[T]) -> T:
        """Take every step; what the generator returns. Whenever it is the turn of others, they have it."""
        while True:
            try:
                next(steps)
            except StopIteration as done:
                found: T = done.value
                break
            if self._clock() >= self._ends:
                await self._give_way()
        if self._clock() >= self._ends:
            await self._give_way()
        return found

    async def _give_way(self) -> None:
        await asyncio.sleep(0)
        self._ends = self._clock() + TURN_S


def is_large(value: Any) -> bool:
    """Whether the next transform of a value is worth a step of its own."""
    return (value.__class__ is str or value.__class__ is list) and len(value) >= LARGE


def transformed(value: Any, transforms: Sequence[Apply]) -> Steps[Any]:
    """What the transforms make of a value; a step at least. Raises TransformError."""
    for transform in transforms:
        if is_large(value):
            yield
        value = transform(value)
    yield
    return value
