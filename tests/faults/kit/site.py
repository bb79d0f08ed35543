"""Where a storm takes place: a durable PostgreSQL that will be crashed, a target that will not, and proxies.

The daemons reach the database and the target through proxies; the nemesis and the judge go straight.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg

from tests import invariants
from tests.faults.kit import target
from tests.faults.kit.proxy import Proxy
from worker.domain.connector import Connector, Limits
from worker.domain.ids import uuid7
from worker.security import Vault, new_key, parse_key
from worker.service.embedded import EmbeddedPostgres, Urls
from worker.store import connectors, due_work, tenants
from worker.store.migrate import migrate
from worker.store.pool import DatabaseTrouble, open_pool
from worker.store.tenant import tenant

DATABASE = "storm"
#: Shared by all daemons; what dead ones had is theirs for some seconds yet.
CONCURRENCY = 40
FILL = """
INSERT INTO accounts (tenant_id, id, connector_id, object_class, state, wanted, uid)
SELECT $1, a.id, $2, 'user', CASE WHEN a.uid IS NULL THEN 'pending' ELSE 'active' END,
    jsonb_build_object('login', a.login), a.uid
FROM unnest($3::uuid[], $4::text[], $5::text[]) AS a(id, login, uid)
"""


@dataclass(slots=True)
class Site:
    """One database with a tenant, a target with a ledger, and accounts by login."""

    directory: Path
    postgres: EmbeddedPostgres
    urls: Urls
    admin_dsn: str
    target_dsn: str
    database_proxy: Proxy
    target_proxy: Proxy
    key: str
    tenant_id: UUID
    connector_id: UUID
    accounts: dict[str, UUID] = field(default_factory=dict)
    _conn: "asyncpg.Connection[Any] | None" = None
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def daemon_dsn(self) -> str:
        """The database as daemons reach it."""
        return through(self.database_proxy, self.urls.daemon)

    def settings(self, *, lease_s: float, **others: Any) -> dict[str, Any]:
        """A daemon's settings as overrides of the command line."""
        return {
            "database_url": self.daemon_dsn,
            "secret_key": self.key,
            "data_dir": str(self.directory),
            "roles": "worker",
            "bind.port": 0,
            "hooks.require_seccomp": False,
            "hooks.workers": 1,
            "lease_s": lease_s,
            "beat_s": lease_s / 5,
            "attempt_s": lease_s * 0.7,
            "drain_s": 2.0,
            "pool_size": 4,
            "poll_s": 0.25,
            **others,
        }

    async def rows(self, statement: str, *values: Any) -> list[Any]:
        """What the superuser sees; waits for a server that is being restarted."""
        async with self._asking:  # several acts look at once
            return await self._rows(statement, *values)

    async def _rows(self, statement: str, *values: Any) -> list[Any]:
        for _ in range(200):
            try:
                if self._conn is None or self._conn.is_closed():
                    self._conn = await asyncpg.connect(self.admin_dsn, timeout=20)
                return await self._conn.fetch(statement, *values, timeout=60)
            except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError):
                await self._forget()
            except asyncpg.PostgresError as error:
                if not isinstance(error, DatabaseTrouble) or error.sqlstate[:2] not in {"57", "08"}:
                    raise
                await self._forget()
            await asyncio.sleep(0.1)
        raise AssertionError("the database did not come back")

    async def crash(self) -> None:
        """What ``pg_ctl restart -m immediate`` does: no checkpoint, no farewell, then recovery."""
        async with self._asking:
            await self._forget()
            self.postgres.kill()
            while self.postgres._is_up():
                await asyncio.sleep(0.01)
            await self.postgres.stop()
            await self.postgres.start()
            if self.postgres.port != self.database_proxy.upstream[1]:  # somebody took the port meanwhile
                self.urls = await self.postgres.bootstrap(DATABASE)
                self.admin_dsn = self.postgres.admin_dsn(DATABASE)
                self.database_proxy.upstream = ("127.0.0.1", self.postgres.port)

    async def close(self) -> None:
        await self._forget()

    async def _forget(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.terminate()


@asynccontextmanager
async def open_site(*, accounts: int, deadline_s: float, directory: Path | None = None) -> AsyncIterator[Site]:
    """Start both servers, make the tenant, the target and its accounts; remove all of it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="provisiond-storm-", dir=directory))
    folder.chmod(0o711)  # an embedded server of root runs as another user
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        postgres = await stack.enter_async_context(EmbeddedPostgres(folder / "postgres", durable=True))
        other = await stack.enter_async_context(EmbeddedPostgres(folder / "target", durable=False))
        urls = await postgres.bootstrap(DATABASE)
        await migrate(urls.owner)
        await _watch(postgres.admin_dsn(DATABASE))
        target_dsn = await other.application("application")
        await target.prepare(target_dsn)
        site = Site(
            directory=folder,
            postgres=postgres,
            urls=urls,
            admin_dsn=postgres.admin_dsn(DATABASE),
            target_dsn=target_dsn,
            database_proxy=await stack.enter_async_context(_before(urls.daemon)),
            target_proxy=await stack.enter_async_context(_before(target_dsn)),
            key=new_key(),
            tenant_id=uuid4(),
            connector_id=uuid7(),
        )
        stack.push_async_callback(site.close)
        await _furnish(site, accounts=accounts, deadline_s=deadline_s)
        yield site


async def _watch(admin_dsn: str) -> None:
    conn = await asyncpg.connect(admin_dsn)
    try:
        await invariants.watch(conn)
    finally:
        await conn.close()


def through(proxy: Proxy, dsn: str) -> str:
    """The same URL by way of the proxy, without TLS, which would hide the messages from it."""
    parts = urlsplit(dsn)
    user = parts.netloc.rpartition("@")[0]
    return urlunsplit((parts.scheme, f"{user}@127.0.0.1:{proxy.port}", parts.path, "sslmode=disable", ""))


def _before(dsn: str) -> Proxy:
    parts = urlsplit(dsn)
    return Proxy(parts.hostname or "127.0.0.1", parts.port or 5432)


async def _furnish(site: Site, *, accounts: int, deadline_s: float) -> None:
    parts = urlsplit(through(site.target_proxy, site.target_dsn))
    connector = Connector(
        site.tenant_id,
        site.connector_id,
        "application",
        "sql",
        config={
            "url": f"postgresql://{parts.username}@{parts.hostname}:{parts.port}{parts.path}",
            "table": "people",
            "key": "login",
            "naming": "login",
        },
        limits=Limits(concurrency=CONCURRENCY, deadline_s=deadline_s),
        settings={"require_baseline": False},
    )
    vault = Vault([parse_key(site.key)])
    sealed = vault.seal_credentials(
        {"password": parts.password or ""}, tenant_id=site.tenant_id, connector_id=connector.id
    )
    logins = [f"p{n:05}" for n in range(accounts)]
    site.accounts = {login: uuid7() for login in logins}
    there = [login if n % 2 else None for n, login in enumerate(logins)]
    pool = await open_pool(site.urls.daemon, size=1, application="kit")
    try:
        async with pool.acquire() as conn:
            await tenants.ensure(conn, tenant_id=site.tenant_id, name="storm")
        async with tenant(pool, site.tenant_id) as conn:
            await connectors.insert(conn, connector, credentials=sealed)
            await conn.execute(FILL, site.tenant_id, connector.id, list(site.accounts.values()), logins, there)
            await due_work.ask(conn, site.tenant_id, due_work.Kind.CLAIM, connector.id)
    finally:
        await pool.close()
    target_conn = await asyncpg.connect(site.target_dsn)
    try:
        await target_conn.executemany("INSERT INTO people (login) VALUES ($1)", [(one,) for one in there if one])
        await target_conn.execute("TRUNCATE ledger")
    finally:
        await target_conn.close()
