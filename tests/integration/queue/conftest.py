"""A pool of the daemon's role on the test's own database, a target, a worker."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from tests.factories import a_connector, registered_worker
from worker.store.pool import Pool, open_pool


@pytest.fixture
async def pool(database: Any) -> AsyncIterator[Pool]:
    opened = await open_pool(database.daemon_dsn, size=6)
    yield opened
    await opened.close()


@pytest.fixture
async def target(pool: Pool, tenant_id: UUID) -> UUID:
    return (await a_connector(pool, tenant_id)).id


@pytest.fixture
async def owner(pool: Pool) -> AsyncIterator[UUID]:
    async with registered_worker(pool) as worker:
        yield worker
