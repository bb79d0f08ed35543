"""What a delta asks of the database costs what has changed, beside very many who have not: told by the pages touched.

``PLAN_ROWS=1000000`` looks at a million.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.factories import a_connector
from tests.integration.store.test_listing_plans import Watched
from worker.store import accounts, correlation, discrepancies
from worker.store.accounts import Place
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant

ROWS = int(os.environ.get("PLAN_ROWS", "100000"))
FEW = 1_000
#: So many people and accounts moved in the last hour.
MOVED = 50
#: What one of them may cost: its row, and the ways down to it.
EACH = 30
SEED = """
SET synchronous_commit = off;
CREATE TEMP TABLE n AS SELECT n, ('019a0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid AS id,
    CASE WHEN n % ({rows} / {moved}) = 0 THEN now() - interval '1 minute' ELSE now() - interval '1 day' END AS at
FROM generate_series(1, {rows}) n;
INSERT INTO identities (tenant_id, id, external_id, user_name, attributes, updated_at)
SELECT '{tenant}', id, 'e' || n, 'u' || n, '{{}}', at FROM n;
INSERT INTO accounts (tenant_id, id, connector_id, object_class, uid, identity_id, state, last_change_at)
SELECT '{tenant}', id, '{target}', 'user', 'u' || n, id, 'active', at FROM n;
INSERT INTO operations_archive (tenant_id, completed_day, id, connector_id, account_id, seq, operation_type,
    object_class, status, priority, retry_count, max_retries, attempt_number, crashed_leases, payload, epoch, origin,
    version, created_at, updated_at, completed_at)
SELECT '{tenant}', (at AT TIME ZONE 'UTC')::date, id, '{target}', id, 1, 'update', 'user', 'completed', 0, 0, 10, 1, 0,
    '{{}}', 1, 'event', 1, at, at, at FROM n ORDER BY at;
INSERT INTO discrepancies (tenant_id, id, connector_id, finding_key, run_id, discrepancy_type, account_id, identity_id,
    external_uid, attributes, explanation, resolution_status, created_at, first_seen_at, last_seen_at, last_seen_run)
SELECT '{tenant}', id, '{target}', 'mismatch:u' || n, id, 'mismatch', id, id, 'u' || n, '{{}}', 'x', 'pending', at, at,
    at, id FROM n
"""


async def seeded(database: Any, tenant_id: UUID, rows: int) -> AsyncIterator[tuple[Pool, Place]]:
    pool = await open_pool(database.daemon_dsn, size=2)
    place = Place(tenant_id, (await a_connector(pool, tenant_id)).id, "user")
    admin = await asyncpg.connect(database.admin_dsn)
    await admin.execute(SEED.format(tenant=tenant_id, target=place.connector_id, rows=rows, moved=MOVED), timeout=600)
    await admin.execute("VACUUM ANALYZE identities, accounts, operations_archive, discrepancies", timeout=600)
    await admin.close()
    yield pool, place
    await pool.close()


@pytest.fixture
async def settled(database: Any, tenant_id: UUID) -> AsyncIterator[tuple[Pool, Place]]:
    """A target with so many accounts, of which few moved in the last hour, and as many findings."""
    async for found in seeded(database, tenant_id, ROWS):
        yield found


@pytest.fixture
async def small(database: Any, tenant_id: UUID) -> AsyncIterator[tuple[Pool, Place]]:
    """The same of a few."""
    async for found in seeded(database, tenant_id, FEW):
        yield found


class Watching(Watched):
    """Watches statements that only write as well."""

    async def execute(self, text: str, *args: Any) -> Any:
        if args:
            await self._look(text, *args)
        return await super().execute(text, *args)


async def test_delta_reads_what_has_moved(settled: tuple[Pool, Place]) -> None:
    pool, place = settled
    since = datetime.now(UTC) - timedelta(hours=1)
    ids = [UUID(f"019a0000-0000-7000-8000-{n:012x}") for n in range(ROWS // MOVED, ROWS + 1, ROWS // MOVED)]
    uids = [f"u{n}" for n in range(ROWS // MOVED, ROWS + 1, ROWS // MOVED)]
    where = {"tenant_id": place.tenant_id, "connector_id": place.connector_id}
    found: dict[str, Any] = {}
    asked: dict[str, Callable[[Any], Awaitable[Any]]] = {
        "whose accounts": lambda conn: accounts.touched_since(conn, place, since=since),
        "who": lambda conn: accounts.identities_changed_since(conn, tenant_id=place.tenant_id, since=since),
        "what agreed": lambda conn: accounts.agreed(conn, place, uids),
        "the rows": lambda conn: accounts.by_uids(conn, place, uids),
        "those without one": lambda conn: accounts.without_account_of(conn, place, ids),
        "what is no more": lambda conn: discrepancies.close_settled(
            conn, account_ids=ids, identity_ids=ids, found_keys=["mismatch:u1"], **where
        ),
    }
    half = ids[len(ids) // 2]
    asked |= {
        "the next people": lambda conn: correlation.people_rows(
            conn, tenant_id=place.tenant_id, after=half, limit=MOVED
        ),
        "who has one": lambda conn: correlation.taken(conn, identity_ids=ids, **place.as_arguments()),
        "whose one was found": lambda conn: discrepancies.claimed_of(conn, run_id=half, identity_ids=ids, **where),
        "those still of nobody": lambda conn: accounts.still_unlinked(conn, tenant_id=place.tenant_id, ids=ids),
    }
    touched = {}
    for name, ask in asked.items():
        async with tenant(pool, place.tenant_id) as conn:
            watched = Watching(conn)
            found[name] = await ask(watched)
            touched[name] = watched.pages

    assert {name: pages for name, pages in touched.items() if pages > EACH * MOVED} == {}
    assert found["whose accounts"] == sorted(uids)
    assert sorted(found["who"]) == ids
    assert found["who has one"] == set(ids)
    assert found["those still of nobody"] == {}
    assert (found["the next people"].count, found["the next people"].last.int) == (MOVED, half.int + MOVED)
    assert found["the next people"].rows.startswith(f'[["{UUID(int=half.int + 1)}", "e'.encode())


async def test_who_is_without_an_account_is_asked_once(small: tuple[Pool, Place]) -> None:
    pool, place = small
    gone = [UUID(f"019a0000-0000-7000-8000-{n:012x}") for n in (3, 70, 900)]
    async with tenant(pool, place.tenant_id) as conn:
        await conn.execute("UPDATE accounts SET uid = NULL WHERE id = ANY($1)", gone)

        found = await accounts.without_account(conn, place)

    assert list(found.pieces(2)) == [gone[:2], gone[2:]]


async def test_what_the_archive_may_have_forgotten_is_asked_of_the_accounts(small: tuple[Pool, Place]) -> None:
    pool, place = small
    admin_since = datetime.now(UTC) - timedelta(days=30)
    async with tenant(pool, place.tenant_id) as conn:
        await conn.execute("UPDATE accounts SET last_change_at = $1 WHERE uid = 'u7'", admin_since - timedelta(days=1))
        await conn.execute("UPDATE identities SET updated_at = $1", admin_since - timedelta(days=1))

        found = await accounts.touched_since(conn, place, since=admin_since)

    assert len(found) == FEW - 1
    assert "u7" not in found
