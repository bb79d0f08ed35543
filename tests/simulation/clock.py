"""An event loop whose time passes only when nobody has anything to do, and then at once."""

import asyncio
import selectors
from typing import Any


class Stuck(Exception):
    """Nothing is to be done, now or later, and somebody still waits."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """``time()`` starts at zero; it jumps to the next thing that is planned."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        return self.now


class _Jumping(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop_of = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, Any]]:
        if timeout is None:
            raise Stuck
        self._loop_of.now += max(timeout, 0.0)
        return []


class Clock:
    """Stands where a module says ``time``."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def monotonic(self) -> float:
        return self._loop.now
