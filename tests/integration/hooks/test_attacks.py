"""Every attack ends in a named error within its time, nothing leaks, and the next good script works."""

import logging
import os
import resource
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import structlog

from tests.benchmarks.processes import cpu_s
from tests.integration.hooks.attacks import ATTACKS, CLASSES, FINE, Attack
from worker.domain.errors import HookError
from worker.domain.hook import HookClass, HookLimits, HookResult, HookScript, Library, Patch
from worker.hooks import HookExecutor
from worker.sandbox.engine import COMPILE_S
from worker.sandbox.frames import cpu_ceiling

LOG = structlog.wrap_logger(
    structlog.PrintLogger(), wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL)
)
BUDGET_MS = 100
LIMITS = HookLimits(budget_ms=BUDGET_MS, memory_mb=64)
#: What another tenant's call was told, and what its script knows.
CANARY = "canary-of-another-tenant"
GOOD = HookScript(
    f'KEY = "{CANARY}"\ndef transform(ctx):\n    return {{"name": text.slug(ctx["name"])}}\n', name="good"
)
TOLD = {"name": "Jörg M", "identity": {"secret": CANARY}, "params": {CANARY: CANARY}}
#: On a core: two ceilings of building (libraries, script), two of a call (an expression is asked twice), half a second.
LATE_S = 2 * cpu_ceiling(COMPILE_S) + 2 * cpu_ceiling(BUDGET_MS / 1000) + 0.5
START_S = 0.5
GROWTH_BYTES = 64 * 1024 * 1024

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
    started, begun = executor.status.pool.started, children_s()
    ended = await carry_out(executor, attack)
    took = children_s() - begun - START_S * (executor.status.pool.started - started + 1)
    good = await executor.execute(GOOD, "transform", TOLD)

    assert_is_contained(ended, attack)
    assert took < LATE_S  # time on a core: that of others is not the script's
    assert good.decision == Patch({"name": "joerg-m"})


async def carry_out(executor: HookExecutor, attack: Attack) -> HookResult | HookError | object:
    if attack.is_expression:
        [found] = await executor.evaluate({"a": attack.source}, [{"identity": {"name": "x"}}])
        return found["a"].error or found["a"].value
    script = HookScript(attack.source, libraries=tuple(Library(*each) for each in attack.libraries))
    [ended] = await executor.execute_batch(script, attack.function, [attack.context])
    return ended


def assert_is_contained(ended: object, attack: Attack) -> None:
    if isinstance(ended, HookError):
        assert ended.hook_class in attack.ends
        assert not ended.retryable
        assert len(str(ended)) <= 4096
        assert len(str(ended.fields)) < 40_000
        assert not set(str(ended)) & set("\x00\x07\x1b\r\u202e")
        assert CANARY not in repr((ended.detail, ended.fields))
    else:
        assert FINE in attack.ends
        assert CANARY not in repr(ended)
    if isinstance(ended, HookResult):
        assert len(ended.logs) <= 50
        assert all(len(line) <= 500 for line in ended.logs)


@pytest.mark.parametrize("name", CLASSES)
async def test_validating_every_attack_leaves_the_daemon_as_it_was(executor: HookExecutor, name: str) -> None:
    """The easiest crash is in the parser, so looking at a source needs the same walls as running it."""
    await executor.validate(GOOD.source)
    before = resident()
    for attack in CLASSES[name]:
        libraries = tuple(Library(*each) for each in attack.libraries)
        found = await executor.validate(attack.source, libraries=libraries)
        assert {each.severity for each in found.diagnostics} <= {"error", "warning"}
        assert all(len(each.message) <= 2048 for each in found.diagnostics)
        assert not {each.code for each in found.diagnostics} & {HookClass.BUSY, HookClass.SUSPENDED}
        assert CANARY not in repr(found)

    assert (await executor.validate(GOOD.source)).ok
    assert resident() - before < GROWTH_BYTES


async def test_no_child_is_left_over(executor: HookExecutor) -> None:
    status = executor.status.pool

    children = (Path("/proc/self/task") / str(os.getpid()) / "children").read_text().split()
    assert (status.busy, status.waiting) == (0, 0)
    assert len(children) <= status.idle + status.starting + 2


async def test_there_is_an_attack_of_every_class() -> None:
    assert len(ATTACKS) >= 200
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    assert all(CLASSES.values())


def children_s() -> float:
    """Seconds on a core of all children of this process, also of those that have ended."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return cpu_s(os.getpid()) - own.ru_utime - own.ru_stime


def resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
