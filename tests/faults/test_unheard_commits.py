"""A commit that is not answered: lost on its way there, or on the way back."""

from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from tests.conftest import Database
from tests.faults.kit.proxy import Proxy, is_commit_reply
from tests.faults.kit.site import through
from tests.waiting import eventually
from worker.store import tenant
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


async def is_free(database: Database) -> bool:
    direct = await open_pool(database.daemon_dsn, size=1)
    try:
        return bool(await direct.fetchval("SELECT pg_try_advisory_xact_lock($1)", LOCK))
    finally:
        await direct.close()


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


@pytest.mark.parametrize("is_hot", [True, False])
async def test_a_commit_whose_answer_is_lost_does_not_count_as_made(
    proxy: Proxy, pool: Pool, tenant_id: UUID, is_hot: bool
) -> None:
    with pytest.raises(DatabaseGone):
        await locked(pool, tenant_id, is_hot=is_hot, then=lambda: proxy.cut_before(is_commit_reply))

    assert proxy.hits == 1
