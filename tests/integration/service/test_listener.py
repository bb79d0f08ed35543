"""Hints between processes, over real connections: what is told, and that whoever misses it loses nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.conftest import Database
from tests.pgbouncer import pooled
from tests.waiting import eventually
from worker.service import listener as listening
from worker.service.listener import Listener
from worker.service.loop import DuePoller
from worker.store import due_work, notify
from worker.store.due_work import Kind
from worker.store.notify import Hints, Word
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    opened = await open_pool(database.daemon_dsn, size=4)
    yield opened
    await opened.close()


class Heard:
    """A listener at work, and the words that it heard."""

    def __init__(self, dsn: str) -> None:
        self.words: list[Word] = []
        self.named: list[Hints] = []
        self.listener = Listener(dsn, on_word=self.words.append, on_asked=self.named.append, rng=Random(1))


@contextlib.asynccontextmanager
async def at_work(dsn: str) -> AsyncIterator[Heard]:
    heard = Heard(dsn)
    task = asyncio.create_task(heard.listener.run())
    try:
        yield heard
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def ask(pool: Pool, tenant_id: UUID, ref_id: UUID, *, fails: Exception | None = None) -> None:
    async with tenant(pool, tenant_id) as conn:
        await due_work.ask(conn, tenant_id, Kind.RUN, ref_id)
        if fails is not None:
            raise fails


async def test_what_one_process_commits_the_other_hears(database: Database, pool: Pool, tenant_id: UUID) -> None:
    async with at_work(database.daemon_dsn) as one, at_work(database.daemon_dsn) as other:
        await eventually(lambda: one.listener.is_hearing and other.listener.is_hearing)
        one.words.clear()
        other.words.clear()
        with notify.hearing(one.listener.tell):
            await ask(pool, tenant_id, ref_id := uuid4())

        await eventually(lambda: other.named)
        assert other.named == [Hints([notify.Asked(tenant_id, "run", ref_id)])]
        assert (one.words, one.named) == ([], []), "nobody is woken by what it told itself"


async def test_a_commit_takes_the_hint_along_after_a_quiet_moment(
    database: Database, pool: Pool, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once: whoever has been told that way is told no more, and the next one waits for its moment."""
    monkeypatch.setattr(listening, "PACE_S", 3600.0)
    async with at_work(database.daemon_dsn) as one, at_work(database.daemon_dsn) as other:
        await eventually(lambda: one.listener.is_hearing and other.listener.is_hearing)
        one.words.clear()
        other.words.clear()
        with notify.hearing(one.listener.tell, mouth=one.listener.along):
            await ask(pool, tenant_id, first := uuid4())
            await eventually(lambda: other.named)
            await ask(pool, tenant_id, uuid4())
        async with pool.acquire() as conn:
            await conn.execute(notify.spoken(Word.TARGETS))
        await eventually(lambda: one.words and other.words)

        assert other.named == [Hints([notify.Asked(tenant_id, "run", first)])]
        assert one.named == [], "nobody is woken by what it told itself"
        assert one.words == other.words == [Word.TARGETS]


async def test_a_commit_that_fails_tells_nobody(database: Database, pool: Pool, tenant_id: UUID) -> None:
    async with at_work(database.daemon_dsn) as one, at_work(database.daemon_dsn) as other:
        await eventually(lambda: one.listener.is_hearing and other.listener.is_hearing)
        other.words.clear()
        with notify.hearing(one.listener.tell, mouth=one.listener.along):
            with pytest.raises(RuntimeError, match="undone"):
                await ask(pool, tenant_id, uuid4(), fails=RuntimeError("undone"))
            await ask(pool, tenant_id, kept := uuid4())
        await eventually(lambda: other.named)

        assert [[each.ref_id for each in hints.asked] for hints in other.named] == [[kept]]


async def test_what_can_be_heard_is_understood_or_worth_a_look(database: Database, pool: Pool) -> None:
    """Also what a later version says."""
    async with at_work(database.daemon_dsn) as one:
        await eventually(lambda: one.listener.is_hearing)
        one.words.clear()
        async with pool.acquire() as conn:
            for said in ("targets", "work", "later things", "work claim 1 2 3", "", "echo"):
                await conn.execute("SELECT pg_notify($1, $2)", notify.CHANNEL, said)
        await eventually(lambda: len(one.words) == 5)

        assert one.words == [Word.TARGETS, *[Word.WORK] * 4]
        assert one.named == []


async def test_a_thousand_commits_are_told_in_a_few_words(database: Database, pool: Pool, tenant_id: UUID) -> None:
    async with at_work(database.daemon_dsn) as one, at_work(database.daemon_dsn) as other:
        await eventually(lambda: one.listener.is_hearing and other.listener.is_hearing)
        other.words.clear()
        for _ in range(1_000):
            one.listener.tell(Hints([notify.Asked(tenant_id, "run", uuid4())]))
        await eventually(lambda: other.words)
        await ask(pool, tenant_id, uuid4())  # as long as a round trip at least

        assert other.words == [Word.WORK]


async def test_what_is_rolled_back_is_told_to_nobody(pool: Pool, tenant_id: UUID) -> None:
    told: list[Hints] = []
    with notify.hearing(told.append):
        with pytest.raises(RuntimeError, match="undone"):
            await ask(pool, tenant_id, uuid4(), fails=RuntimeError("undone"))
        assert told == []

        await ask(pool, tenant_id, kept := uuid4())

    assert [[each.ref_id for each in hints.asked] for hints in told] == [[kept]]


async def test_a_hint_comes_after_the_commit(pool: Pool, tenant_id: UUID) -> None:
    """Whoever looks at once sees what it is about."""
    ref_id, looks = uuid4(), list[asyncio.Task[Any]]()

    async def look() -> list[UUID]:
        async with pool.acquire() as conn:
            return [due.ref_id for due in await due_work.due(conn, [Kind.RUN])]

    with notify.hearing(lambda _: looks.append(asyncio.create_task(look()))):
        await ask(pool, tenant_id, ref_id)

    assert [await one for one in looks] == [[ref_id]]


async def test_a_connection_that_is_cut_is_made_anew_and_looked_after(
    database: Database, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "RECONNECT_S", 0.05)
    async with at_work(database.daemon_dsn) as one:
        await eventually(lambda: one.listener.is_hearing)
        one.words.clear()
        async with pool.acquire() as conn:
            cut = await conn.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE application_name = 'provisiond listener' AND datname = $1",
                database.name,
            )
        assert cut == 1

        await eventually(lambda: one.words, timeout=60)
        assert one.words == [Word.WORK, Word.TARGETS], "whatever was told meanwhile is looked for"
        await eventually(lambda: one.listener.is_hearing)


class Line:
    """A line to the server that can fall silent: what is sent goes nowhere, and nobody says so."""

    def __init__(self) -> None:
        self.is_dead = False
        self.opened = 0
        self._ends: list[asyncio.StreamWriter] = []

    @contextlib.asynccontextmanager
    async def to(self, dsn: str) -> AsyncIterator[str]:
        there = urlsplit(dsn)

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.opened += 1
            server_reader, server_writer = await asyncio.open_connection(there.hostname, there.port)
            self._ends += [writer, server_writer]
            await asyncio.gather(self._pass_on(reader, server_writer), self._pass_on(server_reader, writer))

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        user, _, _ = there.netloc.rpartition("@")
        try:
            yield urlunsplit(there._replace(netloc=f"{user}@127.0.0.1:{port}"))
        finally:
            server.close()
            for end in self._ends:
                end.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                if not self.is_dead:
                    writer.write(data)
            writer.close()


async def test_a_connection_that_falls_silent_is_found_out_and_made_anew(
    database: Database, pool: Pool, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "CHECK_S", 0.05)
    monkeypatch.setattr(listening, "ANSWER_S", 1.0)
    monkeypatch.setattr(listening, "RECONNECT_S", 0.05)
    line = Line()
    async with line.to(database.daemon_dsn) as dsn, at_work(dsn) as one:
        await eventually(lambda: one.listener.is_hearing)
        line.is_dead = True
        await eventually(lambda: not one.listener.is_hearing, timeout=60)
        line.is_dead = False
        one.words.clear()

        await eventually(lambda: one.listener.is_hearing, timeout=60)
        assert line.opened > 1
        assert one.words[:2] == [Word.WORK, Word.TARGETS], "whatever was told meanwhile is looked for"
        async with at_work(database.daemon_dsn) as other:
            await eventually(lambda: other.listener.is_hearing)
            one.named.clear()
            with notify.hearing(other.listener.tell):
                await ask(pool, tenant_id, uuid4())
            await eventually(lambda: one.named or Word.WORK in one.words[2:])


async def test_who_hears_itself_no_more_does_not_rely_on_hints(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a pooler that gives each statement another connection: answers come, hints do not."""
    monkeypatch.setattr(listening, "ANSWER_S", 0.2)
    monkeypatch.setattr(listening, "CHECK_S", 0.05)
    async with at_work(database.daemon_dsn) as one:
        await eventually(lambda: one.listener.is_hearing)
        monkeypatch.setattr(notify, "CHANNEL", "somewhere_else")

        await eventually(lambda: not one.listener.is_hearing)
        hints = Hints([notify.Asked(uuid4(), "run", uuid4())])
        assert one.listener.along(hints) is None, "no commit is burdened with what may not be possible"


async def test_work_of_this_process_begins_without_a_poll(pool: Pool, tenant_id: UUID) -> None:
    started: list[UUID] = []

    async def work(_tenant_id: UUID, ref_id: UUID) -> None:
        started.append(ref_id)

    poller = DuePoller(pool, {Kind.RUN: work, Kind.CLAIM: work}, poll_s=3600)
    with notify.hearing(poller.hear):
        await ask(pool, tenant_id, run := uuid4())
        async with tenant(pool, tenant_id) as conn:
            await due_work.ask(conn, tenant_id, Kind.CLAIM, target := uuid4())

        await eventually(lambda: started == [run, target])


async def test_without_any_hint_work_is_found_by_the_poll(pool: Pool, tenant_id: UUID) -> None:
    started: list[UUID] = []

    async def work(_tenant_id: UUID, ref_id: UUID) -> None:
        started.append(ref_id)

    poller = DuePoller(pool, {Kind.RUN: work}, poll_s=0.05)
    stop = asyncio.Event()
    polling = asyncio.create_task(poller.run(stop))
    await ask(pool, tenant_id, first := uuid4())
    await eventually(lambda: first in started)
    await ask(pool, tenant_id, later := uuid4())  # which the first poll cannot have seen

    await eventually(lambda: later in started)
    stop.set()
    await polling


@pytest.mark.needs("pgbouncer")
async def test_behind_a_pooler_others_are_told_and_nothing_is_left_listening(
    database: Database, pool: Pool, tenant_id: UUID, open_directory: Path
) -> None:
    async with (
        pooled(open_directory, database.daemon_dsn) as (dsn,),
        at_work(dsn) as behind,
        at_work(database.daemon_dsn) as other,
    ):
        await eventually(lambda: other.listener.is_hearing)
        other.named.clear()

        async def is_told() -> bool:
            with notify.hearing(behind.listener.tell):
                await ask(pool, tenant_id, uuid4())
            return bool(other.named)

        await eventually(is_told, timeout=60)
        conn = await asyncpg.connect(dsn, statement_cache_size=0)
        left = await conn.fetch("SELECT pg_listening_channels()")
        await conn.close()

    assert left == []
    assert not behind.listener.is_hearing
