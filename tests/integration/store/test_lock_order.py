"""Who finishes operations locks their lanes in the order of their ids, like everybody else: no circle of waits."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from worker.store import sql
from worker.store.pool import open_pool
from worker.store.tenant import tenant


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from _nodes(inner)


async def test_lanes_are_read_by_their_key_and_joined_in_the_order_in_which_they_are_read(database: Any) -> None:
    query = sql.load("operations").complete
    pool = await open_pool(database.daemon_dsn, size=1)
    async with pool, tenant(pool, uuid4(), is_hot=True, by_hash=True) as conn:
        await conn.execute(f"PREPARE looked_at AS {query.text}")
        nothing = ", ".join(["NULL"] * len(query.parameters))
        (explained,) = await conn.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE looked_at({nothing})")
        await conn.execute("DEALLOCATE looked_at")

    plan = explained["Plan"]
    (scan,) = [node for node in _nodes(plan) if node.get("Relation Name") == "accounts" and "Scan" in node["Node Type"]]
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", "accounts_pkey")
    (join,) = [node for node in _nodes(plan) if any(scan is inner for inner in node.get("Plans", []))]
    assert join["Node Type"] in {"Hash Join", "Merge Join"}
    assert scan["Parent Relationship"] == "Outer"
