"""The door: scripts and expressions run by real children under both event loops."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
import structlog
import uvloop

from tests.waiting import eventually
from worker.domain.errors import HookError, SurroundingsError
from worker.domain.hook import HookLimits, HookResult, HookScript, Library, Patch, Reject, Skip
from worker.hooks import HookExecutor, key_of_expressions
from worker.hooks.child import Child

LOG = structlog.wrap_logger(
    structlog.PrintLogger(), wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL)
)
LIMITS = HookLimits(budget_ms=200, memory_mb=64)

NAMES = HookScript(
    """
def before_create(ctx):
    person = ctx["identity"]
    local = person["given_name"] + "." + person["family_name"]
    name = username.candidates("{g:1}{f}", {"g": person["given_name"], "f": person["family_name"]})[ctx["iteration"]]
    return {"set": {"user_name": name, "mail": email.build(local, "example.org")}, "unset": ["nick"]}

def before_update(ctx):
    return reject("frozen", code="demo.frozen")

def before_delete(ctx):
    return skip("keep it")

def after_create(ctx):
    print("made", ctx["result"]["uid"])
    return {"tags": {"uid": ctx["result"]["uid"]}}
""",
    name="names",
    version=7,
)


def script(body: str) -> HookScript:
    return HookScript(f"def transform(ctx):\n    {body}\n", name="test")


#: Hangs in native code where no deadline is asked about; the argument keeps the compiler from trying it itself.
HANG = "max(range(2147483640 + len(ctx)))"
CONTEXT: dict[str, Any] = {"identity": {"given_name": "Jörg", "family_name": "Müller-Lüdenscheidt"}, "iteration": 0}


def decided(result: HookResult | HookError) -> dict[str, Any]:
    assert isinstance(result, HookResult)
    assert isinstance(result.decision, Patch)
    return result.decision.set


@pytest.fixture
async def executor() -> AsyncIterator[HookExecutor]:
    async with HookExecutor(workers=2, limits=LIMITS, log=LOG) as made:
        yield made


async def test_a_hook_computes_user_name_and_mail(executor: HookExecutor) -> None:
    first = await executor.execute(NAMES, "before_create", CONTEXT)
    second = await executor.execute(NAMES, "before_create", CONTEXT | {"iteration": 1})

    assert first.decision == Patch(
        {"user_name": "jmuellerluedenscheid", "mail": "joerg.mueller-luedenscheidt@example.org"}, ("nick",)
    )
    assert first.function == "before_create"
    assert isinstance(second.decision, Patch)
    assert second.decision.set["user_name"] == "jmuellerluedenschei2"


async def test_hooks_reject_skip_tag_and_print(executor: HookExecutor) -> None:
    after = await executor.execute(NAMES, "after_create", {"result": {"uid": "4711"}})

    assert (await executor.execute(NAMES, "before_update", {})).decision == Reject("frozen", "demo.frozen")
    assert (await executor.execute(NAMES, "before_delete", {})).decision == Skip("keep it")
    assert (after.decision, after.logs) == (Patch(tags={"uid": "4711"}), ("made 4711",))
    assert (await executor.execute(NAMES, "after_delete", {})).function is None


def test_children_work_under_uvloop() -> None:
    async def main() -> HookResult:
        async with HookExecutor(workers=1, limits=LIMITS, log=LOG) as executor:
            with pytest.raises(HookError):
                await executor.execute(script(f"return {HANG}"), "transform", {})
            return await executor.execute(NAMES, "before_create", CONTEXT)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert isinstance(runner.run(main()).decision, Patch)


@pytest.mark.parametrize(
    ("body", "hook_class"),
    [
        pytest.param("for i in range(2000000000):\n        pass", "hook.deadline", id="loops for ever"),
        pytest.param(f"return {HANG}", "hook.timeout", id="hangs in native code"),
        pytest.param('x = "a" * (1 << 20)\n    for i in range(20):\n        x += x', "hook.memory", id="eats memory"),
        pytest.param("return (", "hook.syntax", id="syntax error"),
        pytest.param("return nope", "hook.compile", id="unknown name"),
        pytest.param('return {"a": float("nan")}', "hook.result", id="not finite"),
    ],
)
async def test_a_failing_hook_has_a_name_and_others_do_not_notice(
    executor: HookExecutor, body: str, hook_class: str
) -> None:
    bad = asyncio.create_task(executor.execute(script(body), "transform", {}))
    others = [await executor.execute(NAMES, "before_create", CONTEXT) for _ in range(20)]

    with pytest.raises(HookError) as caught:
        await bad
    assert caught.value.hook_class == hook_class
    assert caught.value.fields["hook"] == "test"
    assert str(caught.value)
    assert all(isinstance(result.decision, Patch) for result in others)
    assert isinstance((await executor.execute(NAMES, "before_create", CONTEXT)).decision, Patch)


async def test_the_loop_stays_free_while_a_script_runs(executor: HookExecutor) -> None:
    bad = asyncio.create_task(executor.execute(script(f"return {HANG}"), "transform", {}))
    turns = 0
    while not bad.done():
        await asyncio.sleep(0.001)
        turns += 1
    with pytest.raises(HookError):
        await bad

    assert turns > 20


async def test_a_batch_keeps_its_order_and_fails_in_places(executor: HookExecutor) -> None:
    picky = script('return {"n": ctx["n"]} if ctx["n"] % 7 else fail("seven")')
    results = await executor.execute_batch(picky, "transform", [{"n": n} for n in range(230)])

    for n, result in enumerate(results):
        if n % 7:
            assert isinstance(result, HookResult)
            assert result.decision == Patch({"n": n})
        else:
            assert isinstance(result, HookError)
            assert (result.hook_class, str(result)) == ("hook.fail", "seven")


async def test_one_context_that_kills_fails_alone(executor: HookExecutor) -> None:
    poisoned = script(f'return {HANG} if ctx["n"] == 5 else {{"n": ctx["n"]}}')
    results = await executor.execute_batch(poisoned, "transform", [{"n": n} for n in range(12)])

    assert [n for n, result in enumerate(results) if isinstance(result, HookError)] == [5]
    assert decided(results[11]) == {"n": 11}


async def test_a_hook_may_have_a_budget_of_its_own(executor: HookExecutor) -> None:
    slow = script("for i in range(400000):\n        pass")

    assert (await executor.execute(slow, "transform", {}, budget_ms=5000)).decision == Patch()
    with pytest.raises(HookError) as caught:
        await executor.execute(slow, "transform", {}, budget_ms=1)
    assert caught.value.hook_class == "hook.deadline"


async def test_a_context_that_cannot_be_told_fails_alone(executor: HookExecutor) -> None:
    echo = script('return {"n": ctx["n"]}')
    results = await executor.execute_batch(
        echo, "transform", [{"n": 1}, {"n": float("nan")}, {"n": "x" * 300_000}, {"n": 2}]
    )

    assert [getattr(result, "hook_class", None) for result in results] == [None, "hook.context", "hook.limit", None]


async def test_large_results_are_handed_over_in_parts(executor: HookExecutor) -> None:
    wide = script('return {"n": ctx["n"], "x": "y" * 900000}')
    results = await executor.execute_batch(wide, "transform", [{"n": n} for n in range(8)])

    assert [decided(result)["n"] for result in results] == list(range(8))


async def test_an_empty_batch_is_empty(executor: HookExecutor) -> None:
    assert await executor.execute_batch(NAMES, "before_create", []) == []
    assert await executor.evaluate({"a": "1"}, []) == []


async def test_expressions_are_computed_for_every_context(executor: HookExecutor) -> None:
    texts = {"mail": 'email.build(identity["n"], "example.org")', "upper": 'identity["n"].upper()', "old": "account"}
    contexts = [{"identity": {"n": f"n{number}"}} for number in range(120)]
    contexts[7]["identity"] = {}
    found = await executor.evaluate(texts, contexts)

    assert len(found) == 120
    assert found[119]["mail"].value == "n119@example.org"
    assert found[119]["upper"].value == "N119"
    assert (found[119]["old"].value, found[119]["old"].error) == (None, None)
    assert found[7]["mail"].error is not None
    assert found[7]["mail"].error.hook_class == "hook.script"
    assert found[7]["old"].error is None


async def test_an_expression_that_hangs_fails_its_mapping_until_that_is_suspended(executor: HookExecutor) -> None:
    texts = {"a": "max(range(2147483640 + len(identity)))", "b": "1"}
    found = await executor.evaluate(texts, [{"identity": {}}] * 20)
    classes = [result["b"].error.hook_class for result in found if result["b"].error]

    assert classes == ["hook.timeout"] * 5 + ["hook.suspended"] * 15
    assert executor.status.suspended == {key_of_expressions(texts)}


async def test_a_script_that_keeps_killing_is_suspended_until_resumed(executor: HookExecutor) -> None:
    killer = script(f'return {HANG} if ctx.get("bad") else None')
    classes = []
    for _ in range(7):
        with pytest.raises(HookError) as caught:
            await executor.execute(killer, "transform", {"bad": True})
        classes.append(caught.value.hook_class)

    assert classes == ["hook.timeout"] * 5 + ["hook.suspended"] * 2
    with pytest.raises(HookError, match="suspended"):
        await executor.execute(killer, "transform", {})
    [suspension] = executor.suspensions
    assert (suspension.key, suspension.script, suspension.last.hook_class) == (killer.sha, killer, "hook.timeout")
    assert executor.resume(killer.sha)
    assert executor.suspensions == ()
    assert (await executor.execute(killer, "transform", {})).decision == Patch()
    assert not executor.resume(killer.sha)


async def test_who_tries_a_script_or_has_the_same_does_not_stop_a_hook(executor: HookExecutor) -> None:
    mine, other = uuid4(), uuid4()
    source = f'def transform(ctx):\n    return {HANG} if ctx.get("bad") else None\n'
    hook = HookScript(source, id=uuid4(), tenant_id=mine)
    draft = replace(hook, id=None)
    for killer in (draft, replace(hook, tenant_id=other)):
        for _ in range(5):
            with pytest.raises(HookError):
                await executor.execute(killer, "transform", {"bad": True})

    assert len(executor.status.suspended) == 2
    assert (await executor.execute(hook, "transform", {})).decision == Patch()
    with pytest.raises(HookError, match="suspended"):
        await executor.execute(draft, "transform", {})
    assert executor.resume(draft.conduct)


async def test_a_program_that_cannot_be_built_is_tried_once_for_a_batch(executor: HookExecutor) -> None:
    folded = script("return max(range(2147483647))")
    results = await executor.execute_batch(folded, "transform", [{}] * 10)

    assert {getattr(result, "hook_class", None) for result in results} == {"hook.timeout"}
    assert executor.status.pool.lost == 1


LIBRARIES = (
    Library("text", "def short(value):\n    return value[:3]\n"),
    Library("names", 'load("lib/text", "short")\ndef login(ctx):\n    return short(ctx["name"])\n'),
)
LOADING = 'load("lib/names", "login")\ndef transform(ctx):\n    return {"uid": login(ctx)}\n'


async def test_a_script_runs_with_its_libraries(executor: HookExecutor) -> None:
    script = HookScript(LOADING, libraries=LIBRARIES)
    found = await executor.validate(LOADING, libraries=LIBRARIES)

    assert (await executor.execute(script, "transform", {"name": "abcdef"})).decision == Patch({"uid": "abc"})
    assert (found.ok, found.loads) == (True, ("names",))
    assert (await executor.validate(LOADING)).loads == ("names",)
    assert (await executor.validate(LIBRARIES[0].source, is_library=True)).ok
    with pytest.raises(HookError, match='the library "lib/names" is missing'):
        await executor.execute(HookScript(LOADING), "transform", {"name": "abcdef"})


async def test_random_values_are_those_of_their_seed_on_every_child_and_in_every_batch(executor: HookExecutor) -> None:
    lots = script('return {"id": rand.uuid4(), "n": ctx["n"]}')
    contexts = [{"n": n} for n in range(120)]
    seeds = [bytes([n % 60]) * 32 for n in range(120)]
    drawn = [decided(result)["id"] for result in await executor.execute_batch(lots, "transform", contexts, seeds=seeds)]
    again = await executor.execute(lots, "transform", {"n": 7}, seed=seeds[7])

    assert drawn[:60] == drawn[60:]
    assert len(set(drawn)) == 60
    assert decided(again)["id"] == drawn[7]
    with pytest.raises(HookError, match="random values belong"):
        await executor.execute(lots, "transform", {"n": 7})


async def test_validation_names_functions_and_faults(executor: HookExecutor) -> None:
    good = await executor.validate(NAMES.source)
    bad = await executor.validate("def transform(ctx):\n    return nope\n")

    assert good.ok
    assert good.functions == ("before_create", "before_update", "before_delete", "after_create")
    assert [(found.severity, found.line, found.code) for found in bad.diagnostics] == [("error", 2, "hook.compile")]


@pytest.mark.parametrize(
    ("source", "code"),
    [
        pytest.param("x = 1\n" + "#" * 70_000, "hook.limit", id="too large"),
        pytest.param("x = max(range(2147483647))\n", "hook.timeout", id="hangs the compiler"),
        pytest.param("x = " + "[" * 60_000, "hook.syntax", id="deep brackets"),
    ],
)
async def test_a_hostile_source_ends_in_a_diagnostic(executor: HookExecutor, source: str, code: str) -> None:
    found = await executor.validate(source)

    assert not found.ok
    assert found.diagnostics[0].code == code
    assert (await executor.validate(NAMES.source)).ok


async def test_a_child_is_replaced_when_it_is_worn(executor: HookExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.hooks.child.MAX_CALLS", 3)
    for _ in range(7):
        await executor.execute(NAMES, "before_create", CONTEXT)

    assert executor.status.pool.started >= 3
    assert executor.status.pool.lost == 0


async def test_a_child_whose_memory_is_half_gone_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """How much of its memory a child keeps is the allocator's affair, so the look itself is told what to see."""
    monkeypatch.setattr("worker.hooks.child.LOOK_EVERY", 1)
    sizes = itertools.count(1 << 40, 1 << 40)  # each look sees more than the one before
    monkeypatch.setattr("worker.hooks.child._address_space", lambda _: next(sizes))
    async with HookExecutor(workers=1, limits=LIMITS, log=LOG) as executor:

        async def was_replaced() -> bool:
            answer = await executor.execute(NAMES, "before_create", CONTEXT)
            assert decided(answer)["mail"]
            return executor.status.pool.started >= 3

        await eventually(was_replaced, what="a second replacement")
        assert executor.status.pool.lost == 0


async def test_more_callers_than_children_all_get_their_answer(executor: HookExecutor) -> None:
    calls = [executor.execute(NAMES, "before_create", CONTEXT) for _ in range(100)]
    results = await asyncio.gather(*calls)

    assert len({decided(result)["mail"] for result in results}) == 1
    assert executor.status.pool.busy == 0
    assert executor.status.pool.started <= 3


async def test_too_many_callers_are_told_to_come_back() -> None:
    async with HookExecutor(workers=1, limits=HookLimits(max_waiting=2), log=LOG) as executor:
        calls = [executor.execute(NAMES, "before_create", CONTEXT) for _ in range(10)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        busy = [result for result in results if isinstance(result, HookError)]

        assert {(error.hook_class, error.retryable) for error in busy} == {("hook.busy", True)}
        assert 1 <= len(busy) <= 9


async def test_a_cancelled_caller_costs_a_child_and_nobody_else(executor: HookExecutor) -> None:
    task = asyncio.create_task(executor.execute(script("for i in range(2000000000):\n        pass"), "transform", {}))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert isinstance((await executor.execute(NAMES, "before_create", CONTEXT)).decision, Patch)
    assert executor.status.suspended == frozenset()


async def test_closing_ends_children_and_refuses_calls() -> None:
    executor = HookExecutor(workers=1, limits=LIMITS, log=LOG)
    await executor.start()
    await executor.aclose()

    with pytest.raises(HookError) as caught:
        await executor.execute(NAMES, "before_create", CONTEXT)
    assert (caught.value.hook_class, caught.value.retryable) == ("hook.busy", True)


async def test_a_sandbox_without_seccomp_is_refused_or_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    start = Child.start

    async def without_seccomp(*, memory_bytes: int) -> Child:
        child = await start(memory_bytes=memory_bytes)
        child.level, child.missing = "partial", ("seccomp",)
        return child

    monkeypatch.setattr(Child, "start", without_seccomp)
    with pytest.raises(SurroundingsError, match="seccomp"):
        await HookExecutor(workers=1, require_seccomp=True, log=LOG).start()
    async with HookExecutor(workers=1, log=LOG) as executor:
        assert (executor.status.level, executor.status.missing) == ("partial", ("seccomp",))


async def test_a_sandbox_that_cannot_start_is_one_clear_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.hooks.child.command", lambda **_: ["/nowhere/python"])

    with pytest.raises(SurroundingsError, match="sandbox does not start"):
        await HookExecutor(workers=1, log=LOG).start()


async def test_a_script_is_not_refused_because_its_types_cannot_be_looked_at(executor: HookExecutor) -> None:
    """The type checker follows what a loop makes of a tuple for ever."""
    source = "def transform(ctx):\n    x = (1,)\n    for i in range(3):\n        x = (x, x)\n    return {'a': x}\n"
    found = await executor.validate(source)

    assert (found.ok, found.functions) == (True, ("transform",))
    assert [(each.severity, each.code) for each in found.diagnostics] == [("warning", "types")]
    assert decided(await executor.execute(HookScript(source), "transform", {}))["a"]
