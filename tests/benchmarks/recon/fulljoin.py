"""The plain way: all accounts are copied into a table, one FULL JOIN, and the attributes of what differs.

    python -m tests.benchmarks.recon.fulljoin DSN LISTING        PostgreSQL; the answer is one JSON object
    python -m tests.benchmarks.recon.fulljoin duckdb WANTED LISTING        DuckDB; both sides are files

Nothing is resumable, nothing is found before the last account, and nothing is kept for the next run.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
from pydantic_core import from_json, to_json

from tests.benchmarks.recon.streamed import ATTRIBUTES

#: What it joins with, made outside of the clock.
TABLES = """
CREATE TABLE wanted AS SELECT a.uid AS key, a.wanted AS attrs FROM accounts a WHERE a.identity_id IS NOT NULL;
CREATE UNIQUE INDEX ON wanted (key);
CREATE UNLOGGED TABLE stage (key text NOT NULL, attrs jsonb NOT NULL);
CREATE TABLE discrepancy (kind text NOT NULL, key text NOT NULL, detail jsonb);
ANALYZE wanted
"""
_JOIN = """
INSERT INTO discrepancy
SELECT CASE WHEN s.key IS NULL THEN 'deleted' WHEN w.key IS NULL THEN 'orphan' ELSE 'mismatch' END,
    coalesce(w.key, s.key), CASE WHEN s.key IS NOT NULL AND w.key IS NOT NULL THEN (
        SELECT jsonb_object_agg(coalesce(a.key, b.key), jsonb_build_array(a.value, b.value))
        FROM jsonb_each(w.attrs) a FULL JOIN jsonb_each(s.attrs) b ON a.key = b.key
        WHERE a.value IS DISTINCT FROM b.value) END
FROM wanted w FULL JOIN stage s ON s.key = w.key
WHERE w.key IS NULL OR s.key IS NULL OR w.attrs <> s.attrs
"""
_DUCK_JOIN = """
SELECT CASE WHEN s.key IS NULL THEN 'deleted' WHEN w.key IS NULL THEN 'orphan' ELSE 'mismatch' END AS kind,
    coalesce(w.key, s.key) AS key, w.attrs AS expected, s.attrs AS actual
FROM wanted w FULL JOIN stage s ON s.key = w.key
WHERE w.key IS NULL OR s.key IS NULL OR w.attrs <> s.attrs
"""


def pages(listing: Path) -> Iterator[list[dict[str, Any]]]:
    with listing.open("rb", buffering=1 << 20) as file:
        for line in file:
            yield from_json(line, cache_strings="keys")


async def in_postgres(dsn: str, listing: Path) -> dict[str, int]:
    conn = await asyncpg.connect(dsn)

    async def lines() -> AsyncIterator[bytes]:
        for page in pages(listing):
            rows = (each["id"].encode() + b"\t" + _copied(each["attrs"]) for each in page)
            yield b"\n".join(rows) + b"\n"

    await conn.copy_to_table("stage", source=lines(), columns=["key", "attrs"])
    await conn.execute(_JOIN, timeout=900)
    found = await conn.fetch("SELECT kind, count(*) AS n FROM discrepancy GROUP BY kind")
    await conn.close()
    return {row["kind"]: row["n"] for row in found}


def _copied(attributes: dict[str, Any]) -> bytes:
    return to_json(attributes).replace(b"\\", b"\\\\")


def in_duckdb(wanted: Path, listing: Path) -> dict[str, int]:
    """Both sides as files of JSON: it reads them with all its threads."""
    import duckdb  # type: ignore[import-not-found]  # noqa: PLC0415 - a peer, in a folder of its own

    base = duckdb.connect()
    names = [*(f"{name} VARCHAR" for name in ATTRIBUTES if name != "groups"), "groups VARCHAR[]"]
    kind = f"STRUCT(id VARCHAR, attrs STRUCT({', '.join(names)}))[]"
    read = "SELECT a.id AS key, a.attrs FROM (SELECT unnest(page) AS a FROM read_json('{}', {}))"
    shape = f"format = 'newline_delimited', records = false, columns = {{page: '{kind}'}}"
    base.execute("CREATE TABLE wanted AS " + read.format(wanted, shape))
    base.execute("CREATE TABLE stage AS " + read.format(listing, shape))
    base.execute("CREATE TABLE discrepancy AS " + _DUCK_JOIN)
    return dict(base.execute("SELECT kind, count(*) FROM discrepancy GROUP BY kind").fetchall())


def main(arguments: list[str]) -> None:
    started, cpu = time.monotonic(), time.process_time()
    if arguments[0] == "duckdb":
        found = in_duckdb(Path(arguments[1]), Path(arguments[2]))
    else:
        found = asyncio.run(in_postgres(arguments[0], Path(arguments[1])))
    print(
        json.dumps(
            {
                "seconds": time.monotonic() - started,
                "cpu_s": time.process_time() - cpu,
                "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "found": found,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1:])
