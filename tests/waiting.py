"""The one way in which a test waits for something."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(
    check: Callable[[], T | Awaitable[T]], *, timeout: float = 10.0, interval: float = 0.02, what: str = ""
) -> T:
    """Call ``check`` until it answers something true, and return that.

    A check may be plain or async, and may raise AssertionError for "not yet". When the time is over, the last such
    error is raised, or one that names ``what`` was waited for and the last answer.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            answer = check()
            if inspect.isawaitable(answer):
                answer = await answer
        except AssertionError:
            if time.monotonic() >= deadline:
                raise
        else:
            if answer:
                return answer
            if time.monotonic() >= deadline:
                raise AssertionError(f"{what or check} did not come true within {timeout} s; last answer: {answer!r}")
        await asyncio.sleep(interval)
