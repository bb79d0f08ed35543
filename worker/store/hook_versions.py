"""Which version of a hook an operation runs: the one that was active when its first try began."""

from collections.abc import Sequence
from uuid import UUID

from worker.domain.hook import HookScript, Library
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("hook_versions")


async def at_first_tries(
    conn: Connection, tenant_id: UUID, *, operation_ids: Sequence[UUID], scripts: Sequence[HookScript]
) -> dict[UUID, dict[UUID, HookScript]]:
    """By operation and hook the scripts to run instead of these, which are active now.

    Operations whose first try found what is active now are not among them.
    """
    versions = {script.id: script.version for script in scripts if script.id is not None}
    if not versions or not operation_ids:
        return {}
    rows = await queries.at_first_tries.rows(
        conn,
        tenant_id=tenant_id,
        operation_ids=list(operation_ids),
        hook_ids=list(versions),
        versions=list(versions.values()),
    )
    if not rows:
        return {}
    known = await _scripts(conn, tenant_id, sorted({(row["hook_id"], row["version"]) for row in rows}))
    found: dict[UUID, dict[UUID, HookScript]] = {}
    for row in rows:
        script = known.get((row["hook_id"], row["version"]))
        if script is not None:
            found.setdefault(row["operation_id"], {})[row["hook_id"]] = script
    return found


async def _scripts(
    conn: Connection, tenant_id: UUID, wanted: Sequence[tuple[UUID, int]]
) -> dict[tuple[UUID, int], HookScript]:
    rows = await queries.scripts.rows(
        conn,
        tenant_id=tenant_id,
        hook_ids=[hook_id for hook_id, _ in wanted],
        versions=[version for _, version in wanted],
    )
    return {(row["hook_id"], row["version"]): _script(row, tenant_id) for row in rows}


def _script(row: Record, tenant_id: UUID) -> HookScript:
    libraries = tuple(Library(each["name"], each["source"]) for each in row["libraries"] or ())
    return HookScript(
        row["source"],
        name=row["name"],
        version=row["version"],
        id=row["hook_id"],
        tenant_id=tenant_id,
        api=row["api"],
        libraries=libraries,
    )
