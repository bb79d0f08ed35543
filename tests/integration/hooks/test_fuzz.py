"""Scripts from a grammar at random keep every promise; and whoever breaks one is noticed."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from tests.fuzz import judging
from tests.fuzz.judging import CANARY, Judge, case_of, open_judge
from worker.domain.hook import HookScript

SEED = 20261122

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def judge() -> AsyncIterator[Judge]:
    async with open_judge() as opened:
        yield opened


@pytest.mark.timeout(300)
async def test_scripts_that_nobody_would_write_keep_every_promise(judge: Judge) -> None:
    for number in range(300):
        await judge.judge(case_of(SEED, number))

    assert [(each.number, each.promise) for each in judge.violations] == []
    assert {"fine", "hook.syntax", "hook.compile", "hook.script", "hook.result"} <= set(judge.classes)


async def test_a_seed_makes_the_same_scripts_again() -> None:
    first, again, other = ([case_of(seed, number) for number in range(50)] for seed in (1, 1, 2))

    assert first == again
    assert first != other


async def test_a_broken_promise_is_noticed(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without this, a judge who sees nothing would look like a sandbox that holds."""
    calm = replace(case_of(SEED, 0), script=HookScript('def transform(ctx):\n    return {"a": ctx["a"]}\n'))
    before = len(judge.violations)
    await judge.judge(replace(calm, function="transform", context={"a": "x"}))
    assert judge.violations[before:] == []

    await judge.judge(replace(calm, function="transform", context={"a": CANARY}))
    assert "what another call was told" in judge.violations[-1].promise

    monkeypatch.setattr(judging, "LATE_S", -1e6)
    await judge.judge(replace(calm, function="transform", context={"a": "x"}))
    assert "on a core" in judge.violations[-1].promise

    monkeypatch.setattr(judging, "EXPECTED", frozenset())
    await judge.judge(replace(calm, script=HookScript("def transform(ctx):\n    fail('x')\n"), function="transform"))
    assert any("it ended in hook.fail" in each.promise for each in judge.violations)
