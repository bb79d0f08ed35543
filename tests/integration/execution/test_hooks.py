"""What operators' scripts do to an operation, asked for a whole batch before its tries begin."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from tests.integration.execution.conftest import LOG, Site
from worker.domain.errors import HookError
from worker.domain.hook import FailurePolicy, HookLimits, HookPhase, HookResult, HookScript
from worker.domain.operation import OperationType
from worker.domain.outcome import DeadLettered, Outcome, Retry, Succeeded
from worker.domain.processing import Finished
from worker.execution import scripting, work
from worker.hooks import HookExecutor

NAMES = """
def before_create(ctx):
    person = ctx["identity"]
    return {"set": {"login": (person["given_name"][0] + person["family_name"]).lower(), "mail": "%s" % ctx["attempt"]}}

def before_update(ctx):
    person = ctx["identity"]
    return {"set": {"login": (person["given_name"][0] + person["family_name"]).lower(), "mail": "new@example.org"}}
"""
FAILS_FOR_BO = """
def before_create(ctx):
    if ctx["identity"]["given_name"] == "Bo":
        fail("not Bo")
    return {"set": {"department": "checked"}}
"""


def always(answer: str) -> str:
    return f"def before_create(ctx):\n    return {answer}\ndef before_update(ctx):\n    return {answer}\n"


def only(finished: dict[Any, Finished]) -> Outcome:
    [one] = finished.values()
    return one.outcome


class CountingScripts(HookExecutor):
    """Real children, and how many contexts came with each question; some are refused (``busy``), some slow."""

    asked: list[int]
    busy: int
    slow: int

    async def execute_batch(
        self,
        script: HookScript,
        function: str,
        contexts: Sequence[dict[str, Any]],
        *,
        budget_ms: int | None = None,
        seeds: Sequence[bytes] | None = None,
    ) -> list[HookResult | HookError]:
        self.asked.append(len(contexts))
        if self.slow:
            self.slow -= 1
            await asyncio.sleep(scripting.AHEAD_S)
        if self.busy:
            self.busy -= 1
            return [HookError("no sandbox was free in time", hook_class="hook.busy", retryable=True)] * len(contexts)
        return await super().execute_batch(script, function, contexts, budget_ms=budget_ms, seeds=seeds)


@pytest.fixture
async def counted(site: Site) -> AsyncIterator[CountingScripts]:
    async with CountingScripts(workers=1, limits=HookLimits(budget_ms=100, memory_mb=64), log=LOG) as made:
        made.asked, made.busy, made.slow = [], 0, 0
        site.make(made)
        yield made


async def test_what_a_hook_sets_is_sent_kept_and_shown_without_secrets(site: Site, counted: CountingScripts) -> None:
    await site.binds(always('{"set": {"login": "amoss", "password": "hunter2"}, "tags": {"why": "policy"}}'))
    op_id = await site.hires("Ada", "Moss")

    await site.run()

    [made] = site.target.accounts.values()
    assert (made.attributes["login"], made.attributes["password"]) == ("amoss", "hunter2")
    account = await site.row("SELECT uid, state, hooked, observed FROM accounts")
    assert (account["uid"], account["state"]) == (made.uid, "active")
    assert account["hooked"]["login"] == "amoss"
    assert "password" not in account["observed"]
    tried = await site.row("SELECT outcome, success, attempt_number, sent FROM attempts WHERE operation_id = $1", op_id)
    assert tuple(tried)[:3] == ("done", True, 1)
    assert tried["sent"]["attributes"] == {**made.attributes, "password": {"secret": True}}
    assert await site.row("SELECT status, ending FROM operations_archive WHERE id = $1", op_id) == ("completed", None)


async def test_an_update_sends_only_what_the_hook_computes_anew(site: Site, counted: CountingScripts) -> None:
    await site.binds(NAMES)
    owner, account_id, uid = await site.has(hooked={"login": "amoss", "mail": "old@example.org"})
    await site.asks("update", account_id, owner, department="Sales")

    await site.run()

    assert site.target.calls[-1] == ("update", {"department": "Sales", "mail": "new@example.org"})
    assert uid in site.target.accounts
    hooked = (await site.row("SELECT hooked FROM accounts"))["hooked"]
    assert hooked == {"login": "amoss", "mail": "new@example.org"}


async def test_an_update_whose_hook_computes_the_same_again_and_nothing_else_is_not_sent(
    site: Site, counted: CountingScripts
) -> None:
    await site.binds(NAMES)
    owner, account_id, _ = await site.has(hooked={"login": "amoss", "mail": "new@example.org"})
    await site.asks("update", account_id, owner)

    await site.run()

    assert site.target.count("update") == 0
    assert await site.row("SELECT ending FROM operations_archive") == ("already_so",)


async def test_an_account_made_anew_has_what_the_create_hook_says_now(site: Site, counted: CountingScripts) -> None:
    """The update meets nothing; what the hook of a create computes is what is kept."""
    await site.binds(
        'def before_create(ctx):\n    return {"set": {"mail": "fresh@example.org"}}\n',
        operation_types=(OperationType.CREATE,),
    )
    owner, account_id, uid = await site.has(hooked={"mail": "stale@example.org"})
    site.target.remove(uid)
    await site.asks("update", account_id, owner, department="Sales")

    await site.run()

    [made] = site.target.accounts.values()
    assert made.attributes["mail"] == "fresh@example.org"
    assert (await site.row("SELECT hooked FROM accounts"))["hooked"] == {"mail": "fresh@example.org"}


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        pytest.param('reject("no contract")', "hook.rejected", "rejected it: no contract", id="rejects"),
        pytest.param('reject("no", code="hr.gone")', "hook.hr.gone", "rejected it: no", id="with a code of its own"),
        pytest.param("1 // 0", "hook.script", "division", id="fails"),
    ],
)
async def test_a_hook_that_says_no_ends_the_operation_before_the_target(
    site: Site, counted: CountingScripts, answer: str, code: str, message: str
) -> None:
    await site.binds(always(answer))
    await site.hires("Ada", "Moss")

    outcome = only(await site.run())

    assert isinstance(outcome, DeadLettered)
    assert (outcome.error_code, message in outcome.message) == (code, True)
    assert site.target.calls == []
    assert await site.row("SELECT status, error_code FROM dead_letters") == ("dead_letter", code)


async def test_a_hook_that_skips_completes_the_operation_without_a_change(site: Site, counted: CountingScripts) -> None:
    await site.binds(always('skip("still on probation")'))
    op_id = await site.hires("Ada", "Moss")

    outcome = only(await site.run())

    assert isinstance(outcome, Succeeded)
    assert site.target.calls == []
    assert await site.row("SELECT status, ending FROM operations_archive") == ("completed", "skipped")
    assert await site.row("SELECT state, uid FROM accounts") == ("pending", None)
    said = await site.row("SELECT level, message FROM operation_logs WHERE operation_id = $1", op_id)
    assert (said["level"], "still on probation" in said["message"]) == ("info", True)


@pytest.mark.parametrize(
    ("policy", "ends", "code"),
    [
        pytest.param(FailurePolicy.SKIP_HOOK, Succeeded, None, id="left out"),
        pytest.param(FailurePolicy.FAIL, DeadLettered, "hook.fail", id="fails"),
        pytest.param(FailurePolicy.QUARANTINE, DeadLettered, "hook.fail", id="quarantined"),
    ],
)
async def test_of_one_batch_each_operation_has_its_own_outcome(
    site: Site, counted: CountingScripts, policy: FailurePolicy, ends: type, code: str | None
) -> None:
    await site.binds(FAILS_FOR_BO, on_error=policy)
    people = [("Ada", "Moss"), ("Bo", "Zimmer"), ("Cy", "Oduya"), ("Bo", "Lind")]
    asked = [await site.hires(*who) for who in people]

    finished = await site.run()

    ends_of = [type(finished[each].outcome) for each in asked]
    assert ends_of == [Succeeded, ends, Succeeded, ends]
    made = {each.attributes["login"]: each.attributes.get("department") for each in site.target.accounts.values()}
    bo = {} if code else {"bo.lind": None, "bo.zimmer": None}
    assert made == {"ada.moss": "checked", "cy.oduya": "checked", **bo}
    assert [row["error_code"] for row in await site.rows("SELECT error_code FROM dead_letters")] == [code] * (
        2 if code else 0
    )
    assert counted.asked == [4]


async def test_a_hook_that_was_left_out_is_a_warning_in_the_history(site: Site, counted: CountingScripts) -> None:
    await site.binds(FAILS_FOR_BO, name="check", on_error=FailurePolicy.SKIP_HOOK)
    await site.hires("Bo", "Zimmer")

    await site.run()

    said = await site.row("SELECT level, message FROM operation_logs")
    assert (said["level"], "check (version 1) failed and was left out" in said["message"]) == ("warn", True)


async def test_the_second_hook_sees_what_the_first_set(site: Site, counted: CountingScripts) -> None:
    shout = 'def before_create(ctx):\n    return {"set": {"department": ctx["attributes"]["department"].upper()}}\n'
    await site.binds(shout, name="second", position=2)
    await site.binds(always('{"set": {"department": "sales"}}'), name="first", position=1)
    await site.hires("Ada", "Moss")
    await site.hires("Bo", "Zimmer")

    await site.run()

    assert [each.attributes["department"] for each in site.target.accounts.values()] == ["SALES", "SALES"]
    assert counted.asked == [2, 2]


async def test_the_second_hook_is_not_asked_about_what_the_first_ended(site: Site, counted: CountingScripts) -> None:
    await site.binds(FAILS_FOR_BO, name="first", position=1)
    await site.binds(always('{"set": {"department": "sales"}}'), name="second", position=2)
    for who in (("Ada", "Moss"), ("Bo", "Zimmer"), ("Cy", "Oduya")):
        await site.hires(*who)

    await site.run()

    assert counted.asked == [3, 2]


async def test_a_suspended_hook_is_not_run_and_its_policy_decides(site: Site, counted: CountingScripts) -> None:
    await site.binds(NAMES, is_suspended=True)
    await site.hires("Ada", "Moss")

    outcome = only(await site.run())

    assert isinstance(outcome, DeadLettered)
    assert (outcome.error_code, "it failed too often" in outcome.message) == ("hook.suspended", True)
    assert counted.asked == []


async def test_a_suspended_hook_that_may_be_left_out_holds_nothing_up(site: Site, counted: CountingScripts) -> None:
    await site.binds(NAMES, is_suspended=True, on_error=FailurePolicy.SKIP_HOOK)
    await site.hires("Ada", "Moss")

    assert isinstance(only(await site.run()), Succeeded)

    assert site.logins() == ["ada.moss"]


@pytest.mark.parametrize("policy", [*FailurePolicy])
async def test_a_hook_that_found_no_sandbox_is_asked_again_by_the_next_try_whatever_its_policy(
    site: Site, counted: CountingScripts, policy: FailurePolicy
) -> None:
    await site.binds(NAMES, on_error=policy)
    await site.hires("Ada", "Moss")
    counted.busy = 2  # ahead, and when asked alone

    first = only(await site.run())
    second = only(await site.again())

    assert (type(first), type(second)) == (Retry, Succeeded)
    assert site.logins() == ["amoss"]
    assert [row["outcome"] for row in await site.rows("SELECT outcome FROM attempts ORDER BY attempt_number")] == [
        "failed",
        "done",
    ]


async def test_a_batch_that_found_no_sandbox_spends_nobodys_try(site: Site, counted: CountingScripts) -> None:
    await site.binds(NAMES)
    for family in ("Moss", "Zimmer", "Reed"):
        await site.hires("Ada", family)
    counted.busy = 1

    finished = await site.run()

    assert {type(one.outcome) for one in finished.values()} == {Succeeded}
    assert site.logins() == ["amoss", "areed", "azimmer"]


async def test_an_after_hook_is_told_what_was_done_and_its_failure_is_a_warning(
    site: Site, counted: CountingScripts
) -> None:
    await site.binds('def after_create(ctx):\n    fail("saw " + ctx["result"]["uid"])\n', phase=HookPhase.AFTER)
    await site.hires("Ada", "Moss")

    outcome = only(await site.run())

    assert isinstance(outcome, Succeeded)
    [uid] = site.target.accounts
    said = await site.row("SELECT level, message FROM operation_logs")
    assert (said["level"], f"saw {uid}" in said["message"]) == ("warn", True)


async def test_what_hooks_note_is_kept_with_the_operation(site: Site, counted: CountingScripts) -> None:
    await site.binds('def before_create(ctx):\n    return {"tags": {"cost_centre": "40", "api_token": "t"}}\n')
    await site.binds(
        'def after_create(ctx):\n    return {"tags": {"desk": "7"}}\n', name="desks", phase=HookPhase.AFTER
    )
    await site.hires("Ada", "Moss")

    await site.run()

    said = await site.row("SELECT level, message FROM operation_logs")
    assert said["level"] == "info"
    assert said["message"] == 'Noted by hooks: {"api_token": {"secret": true}, "cost_centre": "40", "desk": "7"}'


async def test_of_a_slow_script_the_first_are_asked_ahead_and_the_rest_by_their_own_tries(
    site: Site, counted: CountingScripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripting, "PIECE", 3)
    counted.slow = 1
    monkeypatch.setattr(scripting, "FIRST_PACE_S", 1e-6)
    await site.binds(NAMES)
    for number in range(8):
        await site.hires("Ada", f"Moss{number}")

    finished = await site.run()

    assert all(isinstance(each.outcome, Succeeded) for each in finished.values())
    assert counted.asked == [3, 1, 1, 1, 1, 1]
    assert site.logins() == [f"amoss{number}" for number in range(8)]


async def test_until_it_is_known_how_fast_a_script_is_few_are_asked_ahead(
    site: Site, counted: CountingScripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripting, "AHEAD_S", 60.0)
    monkeypatch.setattr(scripting, "FIRST_PACE_S", 60.0)
    await site.binds(NAMES)
    for number in range(8):
        await site.hires("Ada", f"Moss{number}")

    await site.run()

    assert counted.asked == [1, 7]


async def test_a_hook_activated_after_a_try_began_is_for_the_operations_after_it(
    site: Site, counted: CountingScripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "FRESH_S", 0.0)
    hook_id = await site.binds(always('{"set": {"department": "old"}}'))
    await site.hires("Ada", "Moss")

    async def activate() -> None:
        await site.activates(hook_id, always('{"set": {"department": "new"}}'))

    await site.run(between=activate)

    [made] = site.target.accounts.values()
    assert made.attributes["department"] == "old"
    assert counted.asked == [1]


async def test_one_hook_is_asked_once_for_all_creates_and_once_for_all_updates_of_a_batch(
    site: Site, counted: CountingScripts
) -> None:
    await site.binds(NAMES)
    owner, account_id, _ = await site.has()
    await site.asks("update", account_id, owner, department="Sales")
    for number in range(3):
        await site.hires("Bo", f"Zimmer{number}")

    await site.run()

    assert counted.asked == [3, 1]


async def test_correlation_sees_what_hooks_set(site: Site, counted: CountingScripts) -> None:
    """The name that is given decides whose account it may be, not the one that was mapped."""
    await site.binds(NAMES)
    _, uid = await site.unowned(login="amoss", given="Ada", family="Moss", employee_number="4711")
    owner = await site.person("Ada", "Moss", employee_number="4711")
    account_id = await site.account(owner)
    await site.asks("create", account_id, owner, login="ada.moss", given="Ada", family="Moss", active=True)

    outcome = only(await site.run())

    assert isinstance(outcome, Succeeded)
    assert outcome.uid == uid
    assert (await site.row("SELECT hooked FROM accounts WHERE identity_id = $1", owner))["hooked"]["login"] == "amoss"
