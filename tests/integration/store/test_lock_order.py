"""Everybody locks in the same order: lanes by their ids, then what is due by what it is. No circle of waits."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from worker.store import due_work, sql
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


@pytest.mark.parametrize("is_known", [pytest.param(True, id="asleep"), pytest.param(False, id="never asked for")])
async def test_who_asks_for_the_same_in_another_order_waits_in_no_circle(database: Any, *, is_known: bool) -> None:
    tenant_id, things = uuid4(), [uuid4(), uuid4()]
    pool = await open_pool(database.daemon_dsn, size=2)
    async with pool:
        for thing in things if is_known else []:
            async with tenant(pool, tenant_id) as conn:
                await due_work.ask(conn, tenant_id, due_work.Kind.RUN, thing)
            async with tenant(pool, tenant_id) as conn:
                await due_work.settle(conn, tenant_id, due_work.Kind.RUN, thing, next_due=None)
        both = asyncio.Barrier(2)

        async def ask(order: list[UUID]) -> None:
            async with tenant(pool, tenant_id) as conn:
                await due_work.ask(conn, tenant_id, due_work.Kind.RUN, order[0])
                await both.wait()
                await due_work.ask(conn, tenant_id, due_work.Kind.RUN, order[1])

        await asyncio.gather(ask(things), ask(things[::-1]))

        async with pool.acquire() as conn:
            assert {each.ref_id for each in await due_work.due(conn, ["run"])} == set(things)
