"""The one connection of a process that hears what others make due, and tells them what this process has made due.

A hint and nothing more: whoever misses it finds the work with the next poll. So the connection may die silently, be
switched off, or lead through a pooler that loses what is told: it says something to itself every few seconds, and
what does not hear that is not relied on; what does not even answer is made anew.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from random import Random
from typing import Any

import structlog

from worker.domain.errors import SurroundingsError
from worker.store import notify
from worker.store.notify import Asked, Hints, Word
from worker.store.pool import Connection, DatabaseTrouble, connect

log = structlog.get_logger()

#: Between two tellings; what was due before already is worth less.
PACE_S = 0.01
PACE_KNOWN_S = 0.25
CHECK_S = 10.0
ANSWER_S = 5.0
RECONNECT_S = 1.0
LONGEST_RECONNECT_S = 4.0


class Listener:
    """Calls ``on_word`` for each hint of another process, and for both words after each time that it could not hear.

    A hint that names one thing goes to ``on_asked``, where there is one.
    """

    def __init__(
        self,
        dsn: str,
        *,
        on_word: Callable[[Word], None],
        on_asked: Callable[[Hints], None] | None = None,
        rng: Random,
    ) -> None:
        self._dsn = dsn
        self._on_word = on_word
        self._on_asked = on_asked
        self._rng = rng
        self._words: set[Word] = set()
        self._asked: set[Asked] = set()
        self._tell_at: float | None = None
        self._told_at = 0.0
        self._has_words = asyncio.Event()
        self._echo = asyncio.Event()
        self._is_connected = False
        self._can_hear = False
        self._pid = 0
        self._is_hearing = False

    @property
    def is_hearing(self) -> bool:
        """Whether hints of others arrive, as far as we know."""
        return self._is_hearing

    def along(self, hints: Hints) -> str | None:
        """What a commit takes along for the others, when they may be told now and there is one thing to tell.

        Only while hints are known to arrive: where they cannot be told, each commit would meet with that.
        """
        now = time.monotonic()
        if not self._is_hearing or hints.has_moved_targets or len(hints.asked) != 1 or hints.asked[0].is_later:
            return None
        if self._tell_at is not None or now < self._earliest(hints):
            return None
        self._told_at = now
        return notify.spoken(Word.WORK, only=hints.asked[0], by=self._pid)

    def tell(self, hints: Hints) -> None:
        """Have the other processes told: at once after a quiet moment. Without a connection nobody is told."""
        words = notify.words_of(hints)
        if not self._is_connected or not words or hints.is_told:
            return
        at = self._earliest(hints)
        self._words |= words
        if len(self._asked) <= 1:
            self._asked |= {replace(asked, is_new=True) for asked in hints.asked}
        if self._tell_at is None or at < self._tell_at:
            self._tell_at = at
            self._has_words.set()

    def _earliest(self, hints: Hints) -> float:
        """When these may be told."""
        is_news = hints.has_moved_targets or any(asked.is_new or asked.is_urgent for asked in hints.asked)
        return self._told_at + (PACE_S if is_news else PACE_KNOWN_S)

    async def run(self) -> None:
        """Hear and tell until cancelled."""
        pause = RECONNECT_S
        while True:
            try:
                conn = await connect(self._dsn, application="provisiond listener")
                try:
                    await self._begin(conn)
                    pause = RECONNECT_S
                    await self._serve(conn)
                finally:
                    self._is_connected = self._is_hearing = self._can_hear = False
                    conn.terminate()  # one that may hang is not asked to say good-bye
            except (*DatabaseTrouble, SurroundingsError) as error:
                log.warning("listener.database_away", error=type(error).__name__, cause="listener")
            await asyncio.sleep(pause * self._rng.uniform(0.8, 1.2))
            pause = min(pause * 2, LONGEST_RECONNECT_S)

    async def _begin(self, conn: Connection) -> None:
        self._can_hear = await notify.listen(conn, on_word=self._on_word, on_asked=self._hear, on_echo=self._echo.set)
        self._pid = conn.get_server_pid()
        self._words.clear()
        self._asked.clear()
        self._tell_at = None
        self._is_connected = True
        await self._check(conn)

    async def _serve(self, conn: Connection) -> None:
        """Tell what there is to tell, and see that the connection lives; ends with an error."""
        checked_at = time.monotonic()
        while True:
            await self._until(checked_at + CHECK_S)
            now = time.monotonic()
            if self._tell_at is not None and self._tell_at <= now:
                await self._tell(conn, now)
            if now >= checked_at + CHECK_S:
                await self._check(conn)
                checked_at = time.monotonic()

    async def _tell(self, conn: Connection, now: float) -> None:
        words, asked = self._words, self._asked
        self._words, self._asked, self._tell_at, self._told_at = set(), set(), None, now
        only = asked.pop() if len(asked) == 1 else None
        for word in sorted(words):
            is_named = word is Word.WORK and only is not None and not only.is_later
            await _within(notify.tell(conn, word, only=only if is_named else None))

    def _hear(self, asked: Asked) -> None:
        if self._on_asked is None:
            self._on_word(Word.WORK)
        else:
            self._on_asked(Hints([asked]))

    async def _until(self, moment: float) -> None:
        """Wait until the moment, or until it is time to tell something."""
        while (left := (moment if self._tell_at is None else min(moment, self._tell_at)) - time.monotonic()) > 0:
            self._has_words.clear()
            try:
                async with asyncio.timeout(left):
                    await self._has_words.wait()
            except TimeoutError:
                return

    async def _check(self, conn: Connection) -> None:
        """Say something to oneself. No answer is an error; an answer and no echo: what others tell is lost, too."""
        self._echo.clear()
        await _within(notify.tell(conn, Word.ECHO))
        if not self._can_hear:  # it leads through a pooler: good for telling
            return
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._echo.wait()
        except TimeoutError:
            if self._is_hearing:
                log.warning("listener.deaf", cause="listener")
            self._is_hearing = False
            return
        if not self._is_hearing:  # whatever was told while nobody heard
            self._on_word(Word.WORK)
            self._on_word(Word.TARGETS)
        self._is_hearing = True


async def _within(telling: Coroutine[Any, Any, None]) -> None:
    async with asyncio.timeout(ANSWER_S):
        await telling
