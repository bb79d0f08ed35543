"""Where benchmarks run: one durable PostgreSQL in a temporary directory, and a fresh migrated database a measure."""

import base64
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg

from tests.benchmarks import processes
from worker.security import Vault
from worker.service.demo.servers import Servers
from worker.service.embedded import EmbeddedPostgres
from worker.store import bootstrap, migrate, tenants, workers
from worker.store.pool import Pool, open_pool

TEMPLATE = "bench_template"
POOL_SIZE = 8
#: Longer than any measure runs: a benchmark's own lease is not renewed.
LEASE_S = 3_600.0
#: No checkpoint in the middle of a short run, for anybody.
SPACED = "ALTER SYSTEM SET max_wal_size = '8GB'", "ALTER SYSTEM SET checkpoint_timeout = '30min'"


@dataclass(slots=True)
class Site:
    """A migrated database with one tenant, a vault, and a directory for files."""

    pool: Pool
    dsn: str
    tenant_id: UUID
    directory: Path
    key: bytes
    name: str

    @property
    def vault(self) -> Vault:
        return Vault([self.key])

    @property
    def key_text(self) -> str:
        return base64.b64encode(self.key).decode()

    async def lease(self) -> UUID:
        """The id of a worker whose lease outlives the measure."""
        owner = uuid4()
        async with self.pool.acquire() as conn:
            await workers.register(conn, owner, host="bench", pid=1, version="0", roles=["worker"], lease_s=LEASE_S)
        return owner


class Ground:
    """Gives out sites; the targets' servers are started when the first measure needs them."""

    def __init__(self, directory: Path, postgres: EmbeddedPostgres, stack: AsyncExitStack) -> None:
        self.directory = directory
        self.postgres = postgres
        self._stack = stack
        self._servers: Servers | None = None
        self._count = 0
        self._is_migrated = False

    @asynccontextmanager
    async def site(self, kind: str) -> AsyncIterator[Site]:
        """A new database, migrated and empty but for its tenant."""
        name = self.fresh_name(kind)
        await self._clone(name)
        urls = await self.postgres.bootstrap(name)
        directory = self.directory / name
        directory.mkdir()
        pool = await open_pool(urls.daemon, size=POOL_SIZE, application="provisiond bench")
        try:
            tenant_id = uuid4()
            async with pool.acquire() as conn:
                await tenants.ensure(conn, tenant_id=tenant_id, name="bench")
            yield Site(pool, urls.daemon, tenant_id, directory, secrets.token_bytes(32), name)
        finally:
            await pool.close()

    def fresh_name(self, kind: str) -> str:
        """A name that nothing else has here."""
        self._count += 1
        return f"{kind}_{self._count}"

    async def server_pid(self) -> int:
        """The process that all others of the server are children of."""
        conn = await asyncpg.connect(self.postgres.admin_dsn())
        try:
            return processes.parent_of(int(await conn.fetchval("SELECT pg_backend_pid()")))
        finally:
            await conn.close()

    async def _clone(self, name: str) -> None:
        """Copy the database that was migrated once."""
        if not self._is_migrated:
            urls = await self.postgres.bootstrap(TEMPLATE)
            await migrate.migrate(urls.owner)
            self._is_migrated = True
        conn = await asyncpg.connect(self.postgres.admin_dsn())
        try:
            await conn.execute(f"CREATE DATABASE {name} OWNER {bootstrap.OWNER} TEMPLATE {TEMPLATE}")
        finally:
            await conn.close()

    async def servers(self) -> Servers:
        """The SCIM service, and the LDAP directory where slapd is installed."""
        if self._servers is None:
            self._servers = Servers(self.directory / "servers")
            self._stack.push_async_callback(self._servers.stop)
            await self._servers.start()
        return self._servers


@asynccontextmanager
async def open_ground() -> AsyncIterator[Ground]:
    """Start the server with everything on that keeps data safe; remove all of it at the end."""
    directory = Path(tempfile.mkdtemp(prefix="provisiond-bench-"))
    directory.chmod(0o711)  # an embedded server of root runs as another user
    try:
        async with EmbeddedPostgres(directory / "postgres", durable=True) as postgres, AsyncExitStack() as stack:
            await _space_checkpoints(postgres)
            yield Ground(directory, postgres, stack)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


async def _space_checkpoints(postgres: EmbeddedPostgres) -> None:
    conn = await asyncpg.connect(postgres.admin_dsn())
    try:
        for setting in (*SPACED, "SELECT pg_reload_conf()"):
            await conn.execute(setting)
    finally:
        await conn.close()
