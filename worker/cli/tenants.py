"""``provisiond tenants``: organisations that share a database and see nothing of each other."""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from worker.cli.configuration import settings_of
from worker.cli.output import say, say_json, show
from worker.domain.errors import InvalidRequest, WrongState
from worker.domain.ids import uuid7
from worker.service.house import check_schema, database_of, pooler_of
from worker.store import tenants, workers
from worker.store.pool import Pool, open_pool

COLUMNS = {"name": "name", "id": "id"}


def create(options: argparse.Namespace) -> int:
    """Make a tenant and print its id."""
    return asyncio.run(_create(options))


def list_tenants(options: argparse.Namespace) -> int:
    """Every tenant."""
    return asyncio.run(_list(options))


async def _create(options: argparse.Namespace) -> int:
    name = options.name.strip()
    if not name:
        raise InvalidRequest("A tenant has a name.")
    tenant_id = uuid7()
    async with _pool(options) as pool, pool.acquire() as conn:
        if not await tenants.ensure(conn, tenant_id=tenant_id, name=name):
            raise WrongState(f"There is a tenant {name} already.")
    if options.json:
        say_json({"id": tenant_id, "name": name})
    else:
        say(str(tenant_id))
    return 0


async def _list(options: argparse.Namespace) -> int:
    async with _pool(options) as pool, pool.acquire() as conn:
        found = [dict(row) for row in await workers.tenants(conn)]
    empty = "There is no tenant yet; make one with `provisiond tenants create NAME`."
    show(found, COLUMNS, as_json=options.json, empty=empty)
    return 0


@asynccontextmanager
async def _pool(options: argparse.Namespace) -> AsyncIterator[Pool]:
    """The database alone: a tenant is made before there is anything to seal."""
    settings = settings_of(options)
    pool = await open_pool(
        database_of(settings), size=1, application="provisiond command line", pooler=pooler_of(settings)
    )
    try:
        await check_schema(pool)
        yield pool
    finally:
        await pool.close()
