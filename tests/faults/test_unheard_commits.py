"""A commit that is not answered: lost on its way there, or on the way back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from tests.conftest import Database
from tests.factories import a_connector, accounts, an_operation, enqueue, registered_worker
from tests.faults.kit.proxy import Proxy, is_commit_reply
from tests.faults.kit.site import through
from tests.waiting import eventually
from worker.domain.operation import Operation
from worker.domain.outcome import Released
from worker.domain.processing import Finished
from worker.queue import Finisher
from worker.store import operations, tenant
from worker.store.pool import DatabaseGone, Pool, open_pool

LOCK = 4711


@pytest.fixture
async def proxy(database: Database) -> AsyncIterator[Proxy]:
    parts = urlsplit(database.daemon_dsn)
    async with Proxy(parts.hostname or "", parts.port or 0) as opened:
        yield opened


@pytest.fixture
async def pool(database: Database, proxy: Proxy) -> AsyncIterator[Pool]:
    opened = await open_pool(through(proxy, database.daemon_dsn), size=1)
    yield opened
    opened.terminate()


@asynccontextmanager
async def open_directly(database: Database) -> AsyncIterator[Pool]:
    direct = await open_pool(database.daemon_dsn, size=3)
    try:
        yield direct
    finally:
        await direct.close()


async def is_free(database: Database) -> bool:
    async with open_directly(database) as direct:
        return bool(await direct.fetchval("SELECT pg_try_advisory_xact_lock($1)", LOCK))


async def locked(pool: Pool, tenant_id: UUID, *, then: Callable[[], None], is_hot: bool = True) -> None:
    async with tenant.tenant(pool, tenant_id, is_hot=is_hot) as conn:
        await conn.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        then()


async def test_what_a_hot_transaction_holds_is_free_soon_though_neither_side_is_told(
    database: Database, proxy: Proxy, pool: Pool, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seconds, where a person's own transaction has a minute: a whole target waits for the answer."""
    monkeypatch.setattr(tenant, "SILENT_S", 0.5)
    with pytest.raises(DatabaseGone):
        await locked(pool, tenant_id, then=proxy.swallow)

    await eventually(lambda: is_free(database))


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that holds."""

    owner: UUID

    def is_held(self) -> bool:
        return True


@asynccontextmanager
async def writing(pool: Pool, owner: UUID) -> AsyncIterator[Finisher]:
    finisher = Finisher(pool, Lease(owner), rng=Random(1))
    task = asyncio.create_task(finisher.run())
    try:
        yield finisher
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_an_unheard_claim_would_have_brought_can_be_claimed_again_soon(
    database: Database, proxy: Proxy, pool: Pool, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line it was claimed over stays dead; results are written over another."""
    monkeypatch.setattr(tenant, "SILENT_S", 0.5)
    found: list[Operation] = []

    async def claim(through: Pool, owner: UUID, then: Callable[[], None]) -> None:
        async with tenant.tenant(through, tenant_id, is_hot=True) as conn:
            found.extend(await operations.claim(conn, tenant_id, connector_id=target.id, owner=owner, limit=1))
            then()

    async with (
        open_directly(database) as direct,
        registered_worker(direct) as owner,
        writing(direct, owner) as finisher,
    ):
        target = await a_connector(direct, tenant_id)
        (account,) = await accounts(direct, tenant_id, target.id, 1)
        await enqueue(direct, tenant_id, an_operation(target.id, account))
        with pytest.raises(DatabaseGone):
            await claim(pool, owner, proxy.swallow)
        finisher.put(owner, Finished(found[0], Released(is_unheard=True), 0))
        await eventually(lambda: not finisher.pending)
        await claim(direct, owner, lambda: None)

    assert [each.id for each in found] == [found[0].id] * 2
    assert found[1].attempt_number == 1, "nothing was tried"


@pytest.mark.parametrize("is_hot", [True, False])
async def test_a_commit_whose_answer_is_lost_does_not_count_as_made(
    proxy: Proxy, pool: Pool, tenant_id: UUID, is_hot: bool
) -> None:
    with pytest.raises(DatabaseGone):
        await locked(pool, tenant_id, is_hot=is_hot, then=lambda: proxy.cut_before(is_commit_reply))

    assert proxy.hits == 1
