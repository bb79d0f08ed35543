"""What a reconciliation finds in the database: people, accounts as they are wanted, and the target with its mapping."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg

from tests.benchmarks import company
from tests.benchmarks.ground import Ground, Site
from tests.benchmarks.recon import census
from tests.benchmarks.recon.streamed import ATTRIBUTES
from worker.domain.connector import Connector, Limits
from worker.domain.ids import uuid7
from worker.domain.mapping import MappingRule
from worker.store import connectors, mappings
from worker.store.tenant import tenant

STORED_AT_ONCE = 10_000

_PEOPLE = """
INSERT INTO identities (tenant_id, id, external_id, user_name, attributes)
SELECT $1, n.id, n.uid, coalesce(n.attributes ->> 'user_name', n.uid), n.attributes
FROM unnest($2::uuid[], $3::text[], $4::jsonb[]) AS n(id, uid, attributes)
"""
_ACCOUNTS = """
INSERT INTO accounts (tenant_id, id, connector_id, object_class, uid, identity_id, state, wanted, wanted_active,
    wanted_hash, mapping_version, identity_version)
SELECT $1, n.id, $2, 'user', n.uid, n.identity_id, 'active', n.wanted, true, jsonb_hash_extended(n.wanted, 0), $3, 1
FROM unnest($4::uuid[], $5::text[], $6::uuid[], $7::jsonb[]) AS n(id, uid, identity_id, wanted)
"""
_WRITTEN = """
SELECT relname, n_tup_ins + n_tup_upd + n_tup_del AS n FROM pg_stat_user_tables
WHERE relname IN ('identities', 'accounts')
"""


@dataclass(frozen=True, slots=True)
class Writes:
    """What the server's statistics say was written: rows so far, and the log's position in bytes."""

    rows: int
    wal: int

    def since(self, before: "Writes") -> "Writes":
        return Writes(self.rows - before.rows, self.wal - before.wal)


@dataclass(frozen=True, slots=True)
class Way:
    """How a listing is worked on: divided into so many ``ranges``, of a target that takes ``page_s`` over a page."""

    mode: str = "full"
    gone: range = range(0)
    ranges: int = 1
    page_s: float = 0.0


async def a_target(site: Site) -> Connector:
    """The target whose listing is a file."""
    connector = Connector(site.tenant_id, uuid7(), "streamed", "streamed", limits=Limits(page_size=census.PAGE))
    async with tenant(site.pool, site.tenant_id) as conn:
        await connectors.insert(conn, connector)
        await company.add_mapping(conn, connector, [MappingRule(name, source=name) for name in ATTRIBUTES])
    return connector


async def fill(site: Site, connector: Connector, accounts: Iterator[tuple[str, dict[str, Any]]]) -> None:
    """People who own these accounts, each of which is as wanted."""
    async with tenant(site.pool, site.tenant_id) as conn:
        active = await mappings.active(conn, tenant_id=site.tenant_id, connector_ids=[connector.id])
    version = active[(connector.id, connector.object_class)].version
    while part := list(islice(accounts, STORED_AT_ONCE)):
        people, rows = [uuid7() for _ in part], [uuid7() for _ in part]
        uids, wanted = [uid for uid, _ in part], [each for _, each in part]
        async with tenant(site.pool, site.tenant_id) as conn:
            await conn.execute("SELECT pg_stat_force_next_flush()")
            await conn.execute(_PEOPLE, site.tenant_id, people, uids, wanted)
            await conn.execute(_ACCOUNTS, site.tenant_id, connector.id, version, rows, uids, people, wanted)


async def settle(ground: Ground, site: Site) -> None:
    """What the server does by and by after much was written is done now, not while the clock runs."""
    await as_admin(ground, site, "VACUUM ANALYZE", "CHECKPOINT")


async def written(ground: Ground, site: Site) -> Writes:
    """What was written so far; whoever wrote it has closed its connections."""
    conn = await asyncpg.connect(ground.postgres.admin_dsn(site.name))
    try:
        rows = sum(row["n"] for row in await conn.fetch(_WRITTEN))
        wal = await conn.fetchval("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
    finally:
        await conn.close()
    return Writes(rows, int(wal))


def task(site: Site, connector: Connector, listing: Path, *, total: int, way: Way) -> str:
    """What ``runner`` is told, as one argument."""
    return json.dumps(
        {
            "dsn": site.dsn,
            "tenant": str(site.tenant_id),
            "connector": str(connector.id),
            "listing": str(listing),
            "total": total,
            "gone": [way.gone.start, way.gone.stop],
            "mode": way.mode,
            "ranges": way.ranges,
            "page_s": way.page_s,
        }
    )


async def as_admin(ground: Ground, site: Site, *statements: str) -> None:
    """What only the owner of the server may do."""
    conn = await asyncpg.connect(ground.postgres.admin_dsn(site.name))
    try:
        for statement in statements:
            await conn.execute(statement, timeout=600)
    finally:
        await conn.close()
