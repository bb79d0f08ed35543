"""A trickle of one tenant beside the backlog of another, a part of which is for a target that falls silent.

All of it in one daemon, with its guards, limits and breakers. What is timed is the whole way of each change, from just
before it is submitted until the application has it.
"""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg

from tests import factories
from tests.benchmarks.figures import Figure, Size, at_most
from tests.benchmarks.ground import Ground, Site
from tests.benchmarks.served import LOOK_S, serve
from tests.faults.kit.proxy import Proxy
from worker.domain.connector import Connector, Limits
from worker.domain.ids import uuid7
from worker.service.listener import Listener
from worker.store import connectors, due_work, notify, tenants
from worker.store.due_work import Kind
from worker.store.tenant import tenant

ARRIVED_S = 2.0
GAP_S = 0.05
#: Of each target, at once.
CALLS = 8
#: One in so many is for the target that falls silent.
SILENT_SHARE = 10
#: However little is measured: a backlog must not run out while somebody looks.
LEAST = 5_000
BEGUN_WITHIN_S = 60.0
ARRIVED_WITHIN_S = 120.0
BACKLOG, SILENT, TRICKLE = "crowd", "silent", "few"

_TABLES = f"""
CREATE TABLE {BACKLOG} (login text PRIMARY KEY, title text);
CREATE TABLE {SILENT} (login text PRIMARY KEY, title text);
CREATE TABLE {TRICKLE} (login text PRIMARY KEY, title text, arrived_at timestamptz);
CREATE FUNCTION note_arrival() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.arrived_at := clock_timestamp(); RETURN NEW; END $$;
CREATE TRIGGER arrival BEFORE UPDATE ON {TRICKLE} FOR EACH ROW EXECUTE FUNCTION note_arrival();
"""
_ACCOUNTS = """
INSERT INTO accounts (tenant_id, id, connector_id, object_class, state, uid)
SELECT $1, uuidv7(), $2, 'user', 'active', 'n' || n FROM generate_series(1, $3::integer) n
RETURNING id
"""
_WAITING = """
WITH made AS MATERIALIZED (SELECT uuidv7() AS account_id, uuidv7() AS id, n FROM generate_series(1, $3::integer) n),
lanes AS (
    INSERT INTO accounts (tenant_id, id, connector_id, object_class, state, uid, seq, live, head_id)
    SELECT $1, account_id, $2, 'user', 'active', 'n' || n, 1, 1, id FROM made
),
counted AS (
    INSERT INTO live_counts (tenant_id, made_at, first_id, last_id, connector_id, operation_type, n)
    SELECT $1, date_trunc('second', now()), min(id::text)::uuid, max(id::text)::uuid, $2, 'update', count(*) FROM made
)
INSERT INTO operations (tenant_id, id, connector_id, account_id, seq, head, operation_type, object_class, target_uid,
    status, payload, origin, created_at, updated_at)
SELECT $1, id, $2, account_id, 1, true, 'update', 'user', 'n' || n, 'pending', '{"attributes": {"title": "x"}}', 'api',
    now(), now()
FROM made ORDER BY id
"""
_WAITS = (
    f"SELECT extract(epoch FROM arrived_at)::float8 - title::float8 AS wait_s FROM {TRICKLE} WHERE title IS NOT NULL"
)
_AT_ONCE = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND application_name = 'provisiond' AND query LIKE $1 AND state = 'active'"
)


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """Both tenants' targets are open; the daemon's settings are as they are without a file."""
    count = max(size.crowd, LEAST)
    async with ground.site("fair") as site, _application(ground, site) as application, application.proxied() as proxy:
        other = replace(site, tenant_id=uuid4())
        async with site.pool.acquire() as conn:
            await tenants.ensure(conn, tenant_id=other.tenant_id, name="other")
        lanes = await _trickle_lanes(other, application, size.trickle)
        parts = {BACKLOG: count - count // SILENT_SHARE, SILENT: count // SILENT_SHARE}
        for table, part in parts.items():
            connector = await application.target(site, table, port=proxy.port if table == SILENT else None)
            await _make_backlog(ground, site, connector, part)
            await application.fill(table, part)
        async with serve(site, poll_s=None), application.watched(*parts) as most:
            for table in parts:
                await _until(lambda t=table: application.has_changed(t), BEGUN_WITHIN_S, "begin with the backlog")
            proxy.swallow()
            await _submit(other, *lanes)
            waits = await application.waits(size.trickle)
            await _check_left(site)
            proxy.heal()  # or the daemon would wait for its calls to the end of its drain
    waited = sorted(waits)[int(len(waits) * 0.95)]
    yield at_most(f"a trickle beside {count:,} waiting, p95", waited, "s", ARRIVED_S)
    yield at_most("calls of a target at once, the most", most(), "calls", CALLS)


@dataclass(slots=True)
class _Application:
    """A database with a table for each tenant."""

    dsn: str
    conn: "asyncpg.Connection[Any]"

    async def fill(self, table: str, count: int) -> None:
        await self.conn.execute(
            f"INSERT INTO {table} (login) SELECT 'n' || n FROM generate_series(1, $1::integer) n", count
        )
        await self.conn.execute(f"VACUUM ANALYZE {table}")

    async def target(self, site: Site, table: str, *, port: int | None = None) -> Connector:
        """A target over a table, by way of whatever listens at ``port``."""
        parts = urlsplit(self.dsn)
        connector = Connector(
            site.tenant_id,
            uuid7(),
            table,
            "sql",
            config={
                "url": f"postgresql://{parts.username}@{parts.hostname}:{port or parts.port}{parts.path}",
                "table": table,
                "key": "login",
                "naming": "login",
            },
            limits=Limits(concurrency=CALLS),
            settings={"require_baseline": False},
        )
        secret = {"password": parts.password or ""}
        sealed = site.vault.seal_credentials(secret, tenant_id=site.tenant_id, connector_id=connector.id)
        async with tenant(site.pool, site.tenant_id) as conn:
            await connectors.insert(conn, connector, credentials=sealed)
        return connector

    def proxied(self) -> Proxy:
        """What stands before it, and may fall silent."""
        parts = urlsplit(self.dsn)
        return Proxy(parts.hostname or "", parts.port or 0)

    async def has_changed(self, table: str) -> bool:
        """Whether anything of a backlog has arrived."""
        return bool(await self.conn.fetchval(f"SELECT EXISTS (SELECT FROM {table} WHERE title = 'x')"))

    async def waits(self, count: int) -> list[float]:
        """Seconds of each change of the trickle, when all have arrived."""
        have_come = f"SELECT count(title) >= $1 FROM {TRICKLE}"
        await _until(lambda: self.conn.fetchval(have_come, count), ARRIVED_WITHIN_S, "the last change")
        return [row["wait_s"] for row in await self.conn.fetch(_WAITS)]

    @asynccontextmanager
    async def watched(self, *tables: str) -> AsyncIterator[Callable[[], int]]:
        """Look again and again how many calls of each target are under way; the most that were seen."""
        most = 0

        async def look() -> None:
            nonlocal most
            conn = await asyncpg.connect(self.dsn)
            try:
                while True:
                    for table in tables:
                        most = max(most, await conn.fetchval(_AT_ONCE, f"%{table}%"))
                    await asyncio.sleep(LOOK_S)
            finally:
                conn.terminate()

        looking = asyncio.create_task(look())
        try:
            yield lambda: most
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)


@asynccontextmanager
async def _application(ground: Ground, site: Site) -> AsyncIterator[_Application]:
    dsn = await ground.postgres.application(f"app_{site.name}")
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(_TABLES)
        yield _Application(dsn, conn)
    finally:
        await conn.close()


async def _trickle_lanes(site: Site, application: _Application, count: int) -> tuple[UUID, list[UUID]]:
    connector = await application.target(site, TRICKLE)
    await application.fill(TRICKLE, count)
    async with tenant(site.pool, site.tenant_id) as conn:
        rows = await conn.fetch(_ACCOUNTS, site.tenant_id, connector.id, count)
    return connector.id, [row["id"] for row in rows]


async def _make_backlog(ground: Ground, site: Site, connector: Connector, count: int) -> None:
    """Rows as submission leaves them, an operation on each account."""
    conn = await asyncpg.connect(ground.postgres.admin_dsn(site.name))
    try:
        await conn.execute(_WAITING, site.tenant_id, connector.id, count)
        await conn.execute("VACUUM ANALYZE")
    finally:
        await conn.close()
    async with tenant(site.pool, site.tenant_id) as tx:
        await due_work.ask(tx, site.tenant_id, Kind.CLAIM, connector.id)


async def _until(is_so: Callable[[], Any], within_s: float, what: str) -> None:
    deadline = time.monotonic() + within_s
    while not (await found if inspect.isawaitable(found := is_so()) else found):
        if time.monotonic() > deadline:
            raise RuntimeError(f"it did not come to this: {what}")
        await asyncio.sleep(LOOK_S)


async def _submit(site: Site, connector_id: UUID, lanes: list[UUID]) -> None:
    """One after the other, a little apart; each says when it was submitted."""
    listener = Listener(site.dsn, on_word=lambda _: None, rng=Random())
    telling = asyncio.create_task(listener.run())
    try:
        await _until(lambda: listener.is_hearing, BEGUN_WITHIN_S, "hear what is told")
        with notify.hearing(listener.tell, mouth=listener.along):
            for lane in lanes:
                payload = {"attributes": {"title": repr(time.time())}}
                operation = factories.an_operation(connector_id, lane, payload=payload)
                await factories.enqueue(site.pool, site.tenant_id, operation)
                await asyncio.sleep(GAP_S)
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


async def _check_left(site: Site) -> None:
    """A backlog that ran out before the trickle ended would have been in nobody's way."""
    async with tenant(site.pool, site.tenant_id) as conn:
        left = await conn.fetchval("SELECT count(*) FROM (SELECT FROM operations WHERE status = 'pending' LIMIT 1) o")
    if not left:
        raise RuntimeError("the backlog ran out while the trickle arrived")
