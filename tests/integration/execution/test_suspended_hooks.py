"""A hook that kills its sandbox is stopped on every daemon, keeps its failure policy, and comes back when told to."""

import asyncio

import pytest

from tests.integration.execution.conftest import LOG, Site
from worker.actions import Suspended, Suspending
from worker.domain.hook import FailurePolicy, HookLimits
from worker.domain.outcome import DeadLettered, Succeeded
from worker.execution import work
from worker.hooks import HookExecutor
from worker.store import hooks
from worker.store.tenant import tenant

LIMITS = HookLimits(budget_ms=50, memory_mb=64)
#: Hangs where no deadline is asked about, for some people.
KILLER = """
def before_create(ctx):
    if ctx["identity"]["family_name"] == "Moss":
        return {"set": {"login": str(max(range(2147483600 + len(ctx))))}}
    return {"set": {"login": "fine"}}
"""


async def test_a_hook_that_kills_is_stopped_on_every_daemon_until_a_person_resumes_it(
    site: Site, scripts: HookExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "FRESH_S", 0.0)
    hook_id = await site.binds(KILLER, on_error=FailurePolicy.FAIL)
    site.make(scripts)
    people = iter(range(30))  # a machine that is held up by others blames no script
    while not scripts.suspensions:
        await site.hires(f"Ada{next(people)}", "Moss")
        await site.run()
    await site.hires("Ann", "Moss")
    [refused] = [finished.outcome for finished in (await site.run()).values()]

    assert isinstance(refused, DeadLettered)
    assert refused.error_code == "hook.suspended"
    assert await Suspending(site.pool, scripts).run_once() == Suspended(1)
    row = await site.row("SELECT suspended_reason FROM hooks WHERE id = $1", hook_id)
    assert "hook.timeout" in row["suspended_reason"]
    assert await site.row("SELECT action FROM audit WHERE object_id = $1", str(hook_id)) == ("hook.suspend",)

    async with HookExecutor(workers=1, limits=LIMITS, log=LOG) as elsewhere:
        site.make(elsewhere)
        await site.hires("Eve", "Rest")
        [stopped] = [finished.outcome for finished in (await site.run()).values()]
        assert isinstance(stopped, DeadLettered)
        assert stopped.error_code == "hook.suspended"

        async with tenant(site.pool, site.tenant_id) as conn:
            await hooks.resume(conn, tenant_id=site.tenant_id, hook_id=hook_id)
        await site.hires("Eva", "Rest")
        [goes_on] = [finished.outcome for finished in (await site.run()).values()]
        assert isinstance(goes_on, Succeeded)
    assert site.logins() == ["fine"]


async def test_while_one_hook_kills_the_calls_of_others_go_on(scripts: HookExecutor, site: Site) -> None:
    """One child at a time dies; whoever waits meanwhile is served by the next."""
    await site.binds(KILLER, on_error=FailurePolicy.SKIP_HOOK)
    site.make(scripts)
    for number in range(3):
        await site.hires(f"Ada{number}", "Moss")
    others = asyncio.create_task(_many(scripts))
    ended = [finished.outcome for finished in (await site.run()).values()]

    assert all(isinstance(each, Succeeded) for each in ended)
    assert await others == [{"a": number} for number in range(40)]


async def _many(scripts: HookExecutor) -> list[object]:
    return [
        found["all"].value
        for number in range(40)
        for found in await scripts.evaluate({"all": "identity"}, [{"identity": {"a": number}}])
    ]
