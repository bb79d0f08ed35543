"""A hook that this process's sandbox gave up on is stopped for every daemon, and a person can let it run again."""

from typing import Any, cast
from uuid import UUID

from worker.actions import Suspended, Suspending
from worker.domain.errors import HookError
from worker.domain.hook import HookScript, Suspension
from worker.hooks import HookExecutor
from worker.store import hooks
from worker.store.pool import Pool
from worker.store.tenant import tenant

LAST = HookError("the script did not stop at its time limit and was killed", hook_class="hook.timeout")


class Sandbox:
    """What the duty asks of a sandbox."""

    def __init__(self, *suspensions: Suspension) -> None:
        self.suspensions = suspensions
        self.settled: list[str] = []

    def settle(self, key: str) -> None:
        self.settled.append(key)


async def a_hook(pool: Pool, tenant_id: UUID, *, versions: int = 1) -> HookScript:
    async with tenant(pool, tenant_id) as conn:
        hook_id = await hooks.insert(conn, tenant_id=tenant_id, name="names")
        for number in range(versions):
            await hooks.add_version(conn, tenant_id=tenant_id, hook_id=hook_id, source=f"x = {number}\n")
        await hooks.activate(conn, tenant_id=tenant_id, hook_id=hook_id, version=versions)
    return HookScript("x = 0\n", name="names", version=versions, id=hook_id, tenant_id=tenant_id)


def suspended(script: HookScript) -> Suspension:
    return Suspension(script.sha, LAST, tenant_id=script.tenant_id, script=script)


async def row_of(pool: Pool, script: HookScript) -> Any:
    assert script.tenant_id is not None
    assert script.id is not None
    async with tenant(pool, script.tenant_id) as conn:
        return await hooks.get(conn, tenant_id=script.tenant_id, hook_id=script.id)


async def audited(pool: Pool, tenant_id: UUID) -> list[tuple[str, str]]:
    async with tenant(pool, tenant_id) as conn:
        rows = await conn.fetch("SELECT action, object_id FROM audit WHERE action = 'hook.suspend'")
    return [(row["action"], row["object_id"]) for row in rows]


async def test_a_suspension_is_stored_once_with_its_reason_and_a_line_in_the_audit(pool: Pool, tenant_id: UUID) -> None:
    script = await a_hook(pool, tenant_id)
    sandboxes = [Sandbox(suspended(script)), Sandbox(suspended(script))]
    counts = [await Suspending(pool, cast("HookExecutor", each)).run_once() for each in sandboxes]
    row = await row_of(pool, script)

    assert counts == [Suspended(1), Suspended(0)]
    assert [each.settled for each in sandboxes] == [[script.sha], [script.sha]]
    assert row["suspended_at"] is not None
    assert row["suspended_reason"] == (
        "It kept killing its sandbox or running out of time; the last time (hook.timeout): "
        "the script did not stop at its time limit and was killed"
    )
    assert await audited(pool, tenant_id) == [("hook.suspend", str(script.id))]


async def test_the_version_that_runs_is_not_suspended_for_another(pool: Pool, tenant_id: UUID) -> None:
    """A retry may still use the version of its first try, after a person has put things right."""
    current = await a_hook(pool, tenant_id, versions=2)
    old = HookScript("x = 0\n", name="names", version=1, id=current.id, tenant_id=tenant_id)
    sandbox = Sandbox(suspended(old))

    assert await Suspending(pool, cast("HookExecutor", sandbox)).run_once() == Suspended(0)
    assert (await row_of(pool, current))["suspended_at"] is None
    assert sandbox.settled == []


async def test_what_is_not_stored_just_rests(pool: Pool, tenant_id: UUID) -> None:
    draft = HookScript("x = 1\n", tenant_id=tenant_id)
    sandbox = Sandbox(suspended(draft), Suspension("mapping", LAST, tenant_id=tenant_id))

    assert await Suspending(pool, cast("HookExecutor", sandbox)).run_once() == Suspended(0)
    assert await audited(pool, tenant_id) == []
    assert sandbox.settled == []
