"""Connections to a target's database: opened by SQLAlchemy, which knows how, and lent as the driver's own.

SQLAlchemy's own pool changes stacks twice for every loan, which costs a third of what the driver takes for a row.
"""

import asyncio
from typing import Any, TypeAlias, cast

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from worker.domain.errors import TargetBusy

CLOSE_S = 2.0

Driver: TypeAlias = "asyncpg.Connection[Any]"


class Connections:
    """At most ``limit`` connections at once; the one used last is lent first, for it knows the statements best.

    The engine has no pool of its own. Each statement commits by itself.
    """

    def __init__(self, engine: AsyncEngine, *, limit: int, wait_s: float) -> None:
        self._engine = engine
        self._places = asyncio.Semaphore(limit)
        self._wait_s = wait_s
        self._idle: list[Driver] = []
        self._is_closed = False

    async def take(self) -> Driver:
        """A connection that is open as far as we know, to be given back whatever happens.

        Raises ``TargetBusy`` when none gets free in time, and what SQLAlchemy and the driver raise when none opens.
        """
        await self._get_place()
        try:
            return self._spare() or await self._opened()
        except BaseException:
            self._places.release()
            raise

    def give_back(self, connection: Driver) -> None:
        """Let others have it, unless it broke or was closed on purpose."""
        self._places.release()
        if self._is_closed:
            connection.terminate()
        elif not connection.is_closed():
            self._idle.append(connection)

    async def aclose(self) -> None:
        """Close what is idle at once, and what is lent when it comes back."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(each.close(timeout=CLOSE_S) for each in idle), return_exceptions=True)
        await self._engine.dispose()

    async def _get_place(self) -> None:
        if not self._places.locked():
            await self._places.acquire()  # at once
            return
        try:
            async with asyncio.timeout(self._wait_s):
                await self._places.acquire()
        except TimeoutError:
            raise TargetBusy("All connections to the database are in use.") from None

    def _spare(self) -> "Driver | None":
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():  # the server may have ended it while it lay idle
                return connection
        return None

    async def _opened(self) -> Driver:
        raw = await self._engine.raw_connection()
        connection: Any = raw.driver_connection
        raw.detach()
        return cast("Driver", connection)
