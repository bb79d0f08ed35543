"""The process' lease: one row in ``workers``, extended from a thread and over a connection of its own.

A busy event loop, a full pool or a slow statement must not cost the lease; so nothing here is shared with the rest, and
no wait for the database is much longer than a tenth of the lease: what hangs is replaced while there is time.
``is_held`` compares a clock that also counts sleep (CLOCK_BOOTTIME) with the end of the lease less a margin, and is
asked before every request that changes a target.
"""

import asyncio
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import structlog

from worker.domain.errors import SurroundingsError
from worker.store import workers
from worker.store.pool import Connection, DatabaseTrouble, connect
from worker.telemetry import metrics

log = structlog.get_logger()

#: How much earlier than the database we take the lease for over.
MARGIN = 0.1
#: How long the database is waited for, of the lease's time.
PATIENCE = 0.1
LEAST_PATIENCE_S = 2.0
RECONNECT_S = 0.5
START_WITHIN_S = 20.0


class Heartbeat:
    """A lease that renews itself; ``on_lost`` is called on the event loop when it could not, with a new owner set."""

    def __init__(
        self,
        dsn: str,
        *,
        version: str,
        roles: Sequence[str],
        lease_s: float,
        beat_s: float,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        self._dsn = dsn
        self._version = version
        self._roles = roles
        self._lease_s = lease_s
        self._beat_s = beat_s
        self._patience_s = max(PATIENCE * lease_s, LEAST_PATIENCE_S)
        self._on_lost = on_lost
        self._owner = uuid4()
        self._held_until = 0.0
        self._stop = threading.Event()
        self._is_draining = False
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()

    @property
    def owner(self) -> UUID:
        """Who we are: a fresh id per process start, and another after a lease was lost."""
        return self._owner

    def is_held(self) -> bool:
        """Whether the lease surely holds now."""
        return _boottime() < self._held_until

    async def start(self) -> None:
        """Take the lease; raises SurroundingsError when the database does not let us within a while."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()
        until = time.monotonic() + START_WITHIN_S
        while not self.is_held():
            if time.monotonic() > until or not self._thread.is_alive():
                self._stop.set()
                raise SurroundingsError("The database does not let this process register itself.")
            await asyncio.sleep(0.005)

    def drain(self) -> None:
        """Show others that this process takes no more work."""
        self._is_draining = True

    async def ended(self) -> None:
        """Wait until the thread is gone: before ``stop`` that is a bug, and a daemon without a lease does nothing."""
        await self._ended.wait()

    async def stop(self, *, within_s: float = 5.0) -> None:
        """End the thread and give the lease back; nothing may be held any more.

        When the database does not answer in time, the lease is left to run out.
        """
        self._stop.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, within_s)

    def _run(self) -> None:
        try:
            asyncio.run(self._beat_until_stopped())
        finally:
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._ended.set)

    async def _beat_until_stopped(self) -> None:
        registered = False
        while not self._stop.is_set():
            try:
                async with self._connection() as conn:
                    if not registered:
                        self._owner = uuid4()  # the row of the last attempt may be there all the same
                        await self._register(conn)
                        registered = True
                    await self._beat_on(conn)
            except (*DatabaseTrouble, SurroundingsError) as error:
                log.warning("heartbeat.database_away", error=type(error).__name__)
                self._wait(RECONNECT_S)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        """A connection of our own; one with which anything went wrong is thrown away unasked."""
        async with asyncio.timeout(self._patience_s):
            conn = await connect(self._dsn, application="provisiond heartbeat")
        try:
            yield conn
            async with asyncio.timeout(self._patience_s):
                await conn.close()
        finally:
            conn.terminate()

    async def _beat_on(self, conn: Connection) -> None:
        while not self._stop.is_set():
            asked = _boottime()
            async with asyncio.timeout(self._patience_s):
                is_ours = await workers.beat(conn, self._owner, lease_s=self._lease_s, is_draining=self._is_draining)
            if is_ours:
                self._hold_from(asked)
            else:
                await self._start_anew(conn)
            metrics.heartbeat_timestamp.set_to_current_time()
            self._wait(self._beat_s)
        async with asyncio.timeout(self._patience_s):
            await workers.leave(conn, self._owner)

    async def _register(self, conn: Connection) -> None:
        asked = _boottime()
        async with asyncio.timeout(self._patience_s):
            await workers.register(
                conn,
                self._owner,
                host=socket.gethostname(),
                pid=os.getpid(),
                version=self._version,
                roles=self._roles,
                lease_s=self._lease_s,
            )
        self._hold_from(asked)

    async def _start_anew(self, conn: Connection) -> None:
        """The lease ran out: what we held may be others' by now, so we go on as somebody else."""
        log.error("heartbeat.lease_lost", owner=str(self._owner))
        self._owner = uuid4()
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._on_lost)
        await self._register(conn)

    def _hold_from(self, asked: float) -> None:
        self._held_until = asked + self._lease_s * (1 - MARGIN)

    def _wait(self, seconds: float) -> None:
        self._stop.wait(seconds)


def _boottime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
