"""A commit that takes a hint along: what the server says of the two, and what is believed of the commit."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.waiting import eventually
from worker.store import due_work, notify, server
from worker.store.due_work import Kind
from worker.store.notify import Hints
from worker.store.pool import Connection, DatabaseBusy, DatabaseGone, Pool, UniqueViolation, open_pool
from worker.store.tenant import tenant


@pytest.fixture
async def pool(database: Any) -> AsyncIterator[Pool]:
    opened = await open_pool(database.daemon_dsn, size=1)
    yield opened
    await opened.close()


def failing(condition: str) -> str:
    """A hint that fails like this, as far as the server is concerned."""
    return f"DO $$ BEGIN RAISE {condition}; END $$"


async def ask(pool: Pool, tenant_id: UUID, ref_id: UUID, *, first: str = "SELECT") -> int:
    """Commit something that is due; the server's process that was asked."""
    async with tenant(pool, tenant_id) as conn:
        await conn.execute(first)
        await due_work.ask(conn, tenant_id, Kind.RUN, ref_id)
        return conn.get_server_pid()


def is_gone(conn: Connection) -> bool:
    """Whether the pool has taken the connection back: it answers nothing then."""
    try:
        return conn.is_closed()
    except asyncpg.InterfaceError:
        return True


async def fail_without_a_session(pool: Pool, database: Any, tenant_id: UUID, error: BaseException) -> None:
    """The server has ended the session, and the pool knows, when something of ours goes wrong."""
    killer = await asyncpg.connect(database.daemon_dsn)
    try:
        async with tenant(pool, tenant_id) as conn:
            await killer.execute("SELECT pg_terminate_backend($1)", conn.get_server_pid())
            await eventually(lambda: is_gone(conn))
            raise error
    finally:
        await killer.close()


async def kept(pool: Pool) -> list[UUID]:
    async with pool.acquire() as conn:
        return [due.ref_id for due in await due_work.due(conn, [Kind.RUN])]


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param("program_limit_exceeded", id="somebody does not fetch hints until there is no room left"),
        pytest.param("lock_not_available", id="a lock did not come in time"),
        pytest.param("disk_full", id="the disk is full"),
        pytest.param("insufficient_privilege", id="it is not allowed"),
    ],
)
async def test_a_hint_that_cannot_be_told_undoes_no_commit(pool: Pool, tenant_id: UUID, condition: str) -> None:
    told: list[Hints] = []
    with notify.hearing(told.append, mouth=lambda _: failing(condition)):
        await ask(pool, tenant_id, ref_id := uuid4())

    assert [each.ref_id for hints in told for each in hints.asked] == [ref_id]
    assert await kept(pool) == [ref_id]


@pytest.mark.parametrize("condition", ["query_canceled", "internal_error"])
async def test_a_commit_that_may_have_been_cancelled_is_an_answer_that_was_lost(
    pool: Pool, tenant_id: UUID, condition: str
) -> None:
    """Nobody may say that nothing was done: here it was."""
    asked = uuid4()
    with notify.hearing(lambda _: None, mouth=lambda _: failing(condition)), pytest.raises(DatabaseGone) as caught:
        await ask(pool, tenant_id, asked)

    assert not isinstance(caught.value, DatabaseBusy)
    assert await kept(pool) == [asked]


async def test_a_connection_whose_commit_is_in_doubt_is_thrown_away(pool: Pool, tenant_id: UUID) -> None:
    before = await ask(pool, tenant_id, uuid4())
    with notify.hearing(lambda _: None, mouth=lambda _: failing("query_canceled")), pytest.raises(DatabaseGone):
        await ask(pool, tenant_id, uuid4())

    assert await ask(pool, tenant_id, uuid4()) != before


async def test_a_commit_that_is_refused_is_not_taken_for_a_lost_hint(pool: Pool, tenant_id: UUID) -> None:
    twice = (
        "CREATE TEMP TABLE twice (id int UNIQUE DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP;"
        "INSERT INTO twice VALUES (1), (1)"
    )
    told: list[Hints] = []
    with notify.hearing(told.append, mouth=lambda _: notify.spoken(notify.Word.WORK)), pytest.raises(UniqueViolation):
        await ask(pool, tenant_id, uuid4(), first=twice)

    assert (told, await kept(pool)) == ([], [])


async def test_a_commit_that_other_nodes_may_refuse_takes_nothing_along(
    database: Any, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may do so with any error, and it would be taken for that of the hint."""

    async def looked(*args: object, **options: object) -> server.Server:
        return server.Server(is_distributed=True)

    monkeypatch.setattr(server, "look", looked)
    pool = await open_pool(database.daemon_dsn, size=1)
    told: list[Hints] = []
    try:
        with notify.hearing(told.append, mouth=lambda _: failing("disk_full")):
            await ask(pool, tenant_id, uuid4())
    finally:
        await pool.close()

    assert [hints.is_told for hints in told] == [False], "it is told afterwards, over the listener's connection"


@pytest.mark.parametrize("error", [ValueError(), asyncio.CancelledError()], ids=["an error", "a cancellation"])
async def test_what_went_wrong_is_told_though_the_session_is_gone(
    pool: Pool, database: Any, tenant_id: UUID, error: BaseException
) -> None:
    with pytest.raises(type(error)):
        await fail_without_a_session(pool, database, tenant_id, error)

    await ask(pool, tenant_id, asked := uuid4())
    assert await kept(pool) == [asked]


async def test_a_commit_alone_that_is_cancelled_was_not_made(pool: Pool, tenant_id: UUID) -> None:
    """Then the answer says so: nothing was done."""
    cancelled = (
        "CREATE TEMP TABLE late (id int) ON COMMIT DROP;"
        "CREATE FUNCTION pg_temp.cancel() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE query_canceled; END $$;"
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION pg_temp.cancel();"
        "INSERT INTO late VALUES (1)"
    )
    with pytest.raises(asyncpg.exceptions.QueryCanceledError):
        await ask(pool, tenant_id, uuid4(), first=cancelled)

    assert await kept(pool) == []
