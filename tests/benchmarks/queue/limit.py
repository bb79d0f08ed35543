"""What a loop of two statements a batch makes: no lanes, no fence, no lease, no tenants. The bar under the ceiling.

    python -m tests.benchmarks.queue.limit DSN     with BENCH_METER and BENCH_GO

Claims up to 500 at once with SKIP LOCKED, then moves them to an archive with an attempt each, in one statement.
"""

import asyncio
import os
import sys
from uuid import UUID

import asyncpg
import uvloop

from tests.benchmarks.queue.meter import Meter

CLAIMED_AT_ONCE = 500
LOOK_S = 0.5
CHANNEL = "jobs_waiting"

TABLES = """
CREATE TABLE jobs (id uuid PRIMARY KEY, priority smallint NOT NULL DEFAULT 0, status text NOT NULL,
    attempt integer NOT NULL DEFAULT 0, worker text, payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(), started_at timestamptz)
    WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX jobs_waiting ON jobs (priority DESC, id) WHERE status = 'pending';
CREATE TABLE archive (id uuid NOT NULL, priority smallint NOT NULL, attempt integer NOT NULL, payload jsonb NOT NULL,
    worker text, created_at timestamptz NOT NULL, started_at timestamptz, completed_at timestamptz NOT NULL,
    success boolean NOT NULL);
"""
FILL = """
INSERT INTO jobs (id, status, payload)
SELECT uuidv7(), 'pending', '{"attributes": {"title": "x"}}' FROM generate_series(1, $1)
"""
LEFT = "SELECT EXISTS (SELECT FROM jobs)"
KEPT = "SELECT count(*) FROM archive WHERE success AND attempt = 1"

_CLAIM = """
UPDATE jobs SET status = 'running', attempt = attempt + 1, worker = $2, started_at = clock_timestamp()
WHERE id = ANY(ARRAY(
    SELECT id FROM jobs WHERE status = 'pending' ORDER BY priority DESC, id LIMIT $1 FOR UPDATE SKIP LOCKED))
RETURNING id, attempt, payload
"""
_MOVE = """
WITH done AS (
    DELETE FROM jobs j USING unnest($1::uuid[], $2::integer[]) AS d(id, attempt)
    WHERE j.id = d.id AND j.attempt = d.attempt AND j.worker IS NOT DISTINCT FROM $3
    RETURNING j.*
)
INSERT INTO archive
SELECT id, priority, attempt, payload, worker, created_at, started_at, clock_timestamp(), true FROM done
"""


async def work(dsn: str, meter: Meter) -> None:
    await meter.begin()
    # with custom plans, the first calls see hundreds of array elements and choose to read the whole table
    conn = await asyncpg.connect(dsn, server_settings={"plan_cache_mode": "force_generic_plan"})
    name = f"worker {os.getpid()}"
    while True:
        claimed = await conn.fetch(_CLAIM, CLAIMED_AT_ONCE, name)
        if not claimed:
            await asyncio.sleep(LOOK_S)
            continue
        ids: list[UUID] = []
        for row in claimed:
            meter.hit()
            ids.append(row["id"])
        await conn.execute(_MOVE, ids, [row["attempt"] for row in claimed], name)


if __name__ == "__main__":
    uvloop.run(work(sys.argv[1], Meter()))
