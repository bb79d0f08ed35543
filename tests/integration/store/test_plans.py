"""Hot statements find their rows by keys even while the statistics of a tenant's tables are those of empty ones.

That is how a first import meets them: a plan that believes in one row reads the whole tenant for each batch.
"""

import json
from collections.abc import Iterator
from typing import Any

import asyncpg

from worker.store import sql

#: Statements that run once or more a batch of operations, with the tables that they may only enter by more than the
#: tenant. What looks for a target's next ones is bounded by its order and limit.
HOT = {
    "operations": [
        "lock_lanes",
        "standing_of",
        "take_places",
        "rewrite",
        "claim",
        "claim_suspects",
        "claim_due",
        "wake_due",
        "absorb",
        "complete",
        "promote",
        "promote_and_claim",
        "fail",
        "park",
        "release",
        "bury",
        "cancel",
        "exhume",
        "resolve",
    ],
    "submission": ["begin_lane"],
    "accounts": ["link", "take_over"],
    "identities": ["update"],
    "work": ["accounts", "owner_of_uid", "take", "unowned_keys"],
    "correlation": ["by_keys", "seen_as", "decisions_of", "people_of", "taken", "drop_keys", "insert_keys"],
    "identity_keys": ["state", "drop", "insert", "holders"],
    #: but for ask_people, which reads the first key that there is
    "recorrelations": ["has_keys", "unowned", "remove"],
    "backtests": ["people_named", "people", "asked_about"],
    "hooks": ["bound"],
    "hook_versions": ["at_first_tries", "scripts"],
    "hook_stats": ["add", "summary", "prune"],
    "hook_records": ["add", "shorten", "recent", "prune"],
    "follow_ups": ["insert", "depth", "due", "take", "end", "of_operation", "prune"],
    "mappings": ["active", "get"],
    "mapping_previews": ["next", "advance", "accounts", "of_connector"],
    "identity_sources": [
        "sharing",
        "words",
        "write",
        "of_identity",
        "in_force",
        "first_in_force",
        "put_in_force",
        "people_with_words",
        "judged",
    ],
    #: but for of_accounts, which reads a target's accounts where the target itself cannot be asked
    "taken_names": ["among", "drop", "take", "give_back", "iterations", "prune"],
}
LARGE = {
    "accounts",
    "identities",
    "operations",
    "dead_letters",
    "match_keys",
    "identity_keys",
    "recorrelations",
    "cases",
    "hook_activations",
    "hook_stats",
    "hook_records",
    "follow_ups",
    "identity_sources",
    "taken_names",
}


async def test_no_hot_statement_reads_a_tenant_to_find_a_batch(database: Any) -> None:
    wide: list[str] = []
    conn = await asyncpg.connect(database.daemon_dsn)
    try:
        await conn.execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off")
        for file, names in HOT.items():
            for name in names:
                plan = await _plan_of(conn, getattr(sql.load(file), name))
                wide += [f"{file}.{name}: {scan}" for scan in _wide_scans(plan)]
    finally:
        await conn.close()

    assert not wide, "\n".join(wide)


async def _plan_of(conn: "asyncpg.Connection[Any]", query: sql.Query) -> dict[str, Any]:
    await conn.execute(f"PREPARE looked_at AS {query.text}")
    nothing = ", ".join(["NULL"] * len(query.parameters))
    text = await conn.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE looked_at({nothing})")
    await conn.execute("DEALLOCATE looked_at")
    plan: dict[str, Any] = json.loads(text)[0]["Plan"]
    return plan


def _wide_scans(plan: dict[str, Any]) -> list[str]:
    scans = [node for node in _nodes(plan) if node.get("Relation Name") in LARGE and "Scan" in node["Node Type"]]
    return [
        f"{node['Node Type']} of {node['Relation Name']} by {node.get('Index Cond')}"
        for node in scans
        if not _is_narrow(node)
    ]


def _is_narrow(node: dict[str, Any]) -> bool:
    """Whether the index is entered by more than the tenant."""
    condition = node.get("Index Cond", "")
    return " AND " in condition or node["Node Type"] == "Bitmap Heap Scan"


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from _nodes(inner)
