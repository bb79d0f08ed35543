"""Every attack ends in a named error within its time, and the next good script works."""

import logging
import os
import resource
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import structlog

from tests.integration.hooks.attacks import ATTACKS, FINE, Attack
from worker.domain.errors import HookError
from worker.domain.hook import HookLimits, HookScript, Patch
from worker.hooks import HookExecutor

LOG = structlog.wrap_logger(
    structlog.PrintLogger(), wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL)
)
LIMITS = HookLimits(budget_ms=100, memory_mb=64)
GOOD = HookScript('def transform(ctx):\n    return {"name": text.slug(ctx["name"])}\n', name="good")

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def executor() -> AsyncIterator[HookExecutor]:
    """One daemon's sandbox for all attacks: what one leaves behind would show at the next."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("worker.hooks.pool.FREE_DEATHS", 10_000)  # a corpus of attacks is a storm of deaths
        async with HookExecutor(workers=2, limits=LIMITS, log=LOG) as made:
            yield made


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.name for attack in ATTACKS])
async def test_an_attack_ends_in_a_named_error_and_the_next_script_works(
    executor: HookExecutor, attack: Attack
) -> None:
    [ended] = await executor.execute_batch(HookScript(attack.source), "transform", [attack.context])
    good = await executor.execute(GOOD, "transform", {"name": "Jörg M"})

    if isinstance(ended, HookError):
        assert ended.hook_class in attack.ends
        assert len(str(ended)) <= 2048
        assert len(str(ended.fields)) < 40_000
        assert not set(str(ended)) & set("\x00\x07\x1b\r\u202e")
    else:
        assert FINE in attack.ends
    assert good.decision == Patch({"name": "joerg-m"})


async def test_validating_every_attack_leaves_the_daemon_as_it_was(executor: HookExecutor) -> None:
    """The easiest crash is in the parser, so looking at a source needs the same walls as running it."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for attack in ATTACKS[::4]:
        found = await executor.validate(attack.source)
        assert all(len(diagnostic.message) < 3000 for diagnostic in found.diagnostics)

    assert (await executor.validate(GOOD.source)).ok
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


async def test_no_child_is_left_over(executor: HookExecutor) -> None:
    status = executor.status.pool

    children = (Path("/proc/self/task") / str(os.getpid()) / "children").read_text().split()
    assert (status.busy, status.waiting) == (0, 0)
    assert len(children) <= status.idle + status.starting + 2
