"""Statements about findings read what they need, beside very many of them: told by the pages that they touch.

``PLAN_ROWS=1000000`` looks at a million.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.factories import a_connector
from tests.integration.store.test_listing_plans import Watched
from worker.domain.discrepancy import DiscrepancyType, Resolution
from worker.domain.ids import uuid7
from worker.store import cause_repairs, cause_samples, discrepancies, listings_findings, recon_actions, trend
from worker.store.cause_repairs import CauseRepair
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant

ROWS = int(os.environ.get("PLAN_ROWS", "20000"))
#: A page of rows, and the ways down to them.
FEW = 80
#: What changing one finding reads: its row, and a way down each index.
A_CHANGE = 60
#: An index of so many rows, in pages: what counting all of them may read.
AN_INDEX = ROWS // 60 + FEW
COMMON = '["mail","domain","a.org > b.org"]'
SEED = """
INSERT INTO discrepancies (tenant_id, id, connector_id, finding_key, run_id, discrepancy_type, external_uid, attributes,
    causes, explanation, resolution_status, ignored_until, created_at, first_seen_at, last_seen_at, last_seen_run)
SELECT $1, ('019a0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, $2, 'mismatch:u' || n, $3,
    CASE n % 10 WHEN 0 THEN 'orphan' ELSE 'mismatch' END, 'u' || n,
    jsonb_build_object('mail', jsonb_build_object('expected', repeat('x', 90) || n, 'actual', repeat('y', 90) || n)),
    ARRAY[CASE n % 4 WHEN 0 THEN $4 ELSE '["mail","replaced","' || n || '"]' END], repeat('z', 60),
    CASE n % 50 WHEN 7 THEN 'resolved' WHEN 8 THEN 'ignored' ELSE 'pending' END,
    CASE WHEN n % 50 = 8 THEN now() + make_interval(days => CASE WHEN n % 5000 = 8 THEN -1 ELSE 9 END) END,
    now(), now(), now(), $3
FROM generate_series(1, $5::integer) n
"""
ACTIONS = """
INSERT INTO recon_actions (tenant_id, id, connector_id, run_id, discrepancy_id, action_type, direction, result, dry_run,
    performed_by, performed_at)
SELECT tenant_id, id, connector_id, $2, id, 'update', 'xavyo_to_target', 'success', false, $1, now()
FROM discrepancies
"""


@pytest.fixture
async def many(database: Any, tenant_id: UUID) -> AsyncIterator[tuple[Pool, UUID, UUID]]:
    """So many findings of one target; its id and that of the run that saw them."""
    pool = await open_pool(database.daemon_dsn, size=2)
    target, run = (await a_connector(pool, tenant_id)).id, uuid7()
    owner = await asyncpg.connect(database.admin_dsn)
    await owner.execute(SEED, tenant_id, target, run, COMMON, ROWS)
    await owner.execute(ACTIONS, tenant_id, uuid7())
    await owner.execute("VACUUM ANALYZE discrepancies, recon_actions")
    await owner.close()
    yield pool, target, run
    await pool.close()


def repair_of(tenant_id: UUID, target: UUID, *, done_to: UUID | None) -> CauseRepair:
    now = datetime.now(UTC)
    states = {"action": "update", "direction": "xavyo_to_target", "status": "running", "total": ROWS // 4}
    counts = {"succeeded": 0, "failed": 0, "skipped": 0}
    return CauseRepair(
        tenant_id=tenant_id,
        id=uuid7(),
        connector_id=target,
        run_id=None,
        causes=(COMMON,),
        done_to=done_to,
        approval_id=None,
        created_at=now,
        created_by=uuid7(),
        updated_at=now,
        finished_at=None,
        **states,  # type: ignore[arg-type]  # each is what its name says
        **counts,
    )


async def test_findings_are_listed_counted_and_taken_without_reading_all(
    many: tuple[Pool, UUID, UUID], tenant_id: UUID
) -> None:
    pool, target, run = many
    where = {"tenant_id": tenant_id, "connector_id": target}
    half = UUID(f"019a0000-0000-7000-8000-{ROWS // 2:012x}")
    repair = repair_of(tenant_id, target, done_to=half)
    pending, orphans = [Resolution.PENDING], [DiscrepancyType.ORPHAN]
    asked: dict[str, tuple[Callable[[Any], Awaitable[Any]], int]] = {
        "the first page": (lambda conn: discrepancies.page(conn, **where), FEW),
        "a page behind many": (lambda conn: discrepancies.page(conn, before=half, limit=100, **where), FEW),
        "open ones of a kind": (lambda conn: discrepancies.page(conn, types=orphans, statuses=pending, **where), FEW),
        "how many of each": (lambda conn: discrepancies.counts(conn, **where), AN_INDEX),
        "how many are open": (lambda conn: trend.open_now(conn, **where), AN_INDEX),
        "the largest causes": (
            lambda conn: cause_samples.largest(conn, counted=1000, **where),
            # the sample, the count of all from an index, and an example of each
            3 * cause_samples.PLACES * cause_samples.AT_EACH // 10 + 2 * AN_INDEX,
        ),
        "a batch of one cause": (lambda conn: cause_repairs.batch(conn, repair, limit=100), 2 * FEW),
        "what is over": (
            lambda conn: trend.wake_ignored(conn, tenant_id=tenant_id),
            FEW + A_CHANGE * min(ROWS // 5000 + 1, 1000),
        ),
        "the next to repair": (
            lambda conn: discrepancies.of_run(conn, run_id=run, types=orphans, after=half, limit=20, **where),
            3 * FEW,
        ),
        "actions on one finding": (lambda conn: recon_actions.page(conn, discrepancy_id=half, **where), FEW),
        "a page of what one run did": (
            lambda conn: listings_findings.actions(
                conn, tenant_id, connector_id=target, run_id=run, before=half, limit=20
            ),
            3 * FEW,
        ),
    }
    touched = {}
    for name, (ask, most) in asked.items():
        async with tenant(pool, tenant_id) as conn:
            watched = Watched(conn)
            await ask(watched)
            touched[name] = (watched.pages, most)

    assert {name: pages for name, pages in touched.items() if pages[0] > pages[1]} == {}


async def test_the_largest_causes_of_very_many_are_told_about_as_large_as_they_are(
    many: tuple[Pool, UUID, UUID], tenant_id: UUID
) -> None:
    pool, target, run = many
    where = {"tenant_id": tenant_id, "connector_id": target}
    async with tenant(pool, tenant_id) as conn:
        [exact] = await cause_repairs.groups(conn, least=2, **where)
        [found] = await cause_samples.largest(conn, least=2, counted=1000, **where)
        [of_run] = await cause_samples.largest(conn, run_id=run, settled=True, least=2, counted=1000, **where)
        small = await cause_samples.largest(conn, least=2, counted=ROWS, **where)

    assert (found.cause, found.is_estimated, found.alone == found.count) == (COMMON, True, True)
    assert abs(found.count - exact.count) < exact.count / 10
    assert (of_run.cause, of_run.count > of_run.open) == (COMMON, True)
    assert small == [exact]
