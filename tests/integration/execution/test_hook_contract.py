"""What scripts are told, what they may answer, and which version answers: in the life of real operations."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import pytest

from tests.integration.execution.conftest import LOG, Site
from worker.domain.errors import HookError, TransientError
from worker.domain.hook import FailurePolicy, HookLimits, HookPhase, HookResult, HookScript
from worker.domain.operation import EPOCH, OperationType
from worker.domain.outcome import DeadLettered, Outcome, Retry, Succeeded
from worker.domain.processing import Finished
from worker.execution import scripting
from worker.hooks import HookExecutor
from worker.queue import DeadLetters, OperationQueue
from worker.store import hook_records, hook_stats
from worker.store.tenant import tenant

NOTHING = "def before_create(ctx):\n    return None\ndef before_update(ctx):\n    return None\n"


class Listening(HookExecutor):
    """Real children, and what they were told."""

    told: list[dict[str, Any]]
    budgets: list[int | None]

    async def execute_batch(
        self,
        script: HookScript,
        function: str,
        contexts: Sequence[dict[str, Any]],
        *,
        budget_ms: int | None = None,
        seeds: Sequence[bytes] | None = None,
    ) -> list[HookResult | HookError]:
        self.told += contexts
        self.budgets.append(budget_ms)
        return await super().execute_batch(script, function, contexts, budget_ms=budget_ms, seeds=seeds)


@pytest.fixture
async def heard(site: Site) -> AsyncIterator[Listening]:
    async with Listening(workers=2, limits=HookLimits(budget_ms=250, memory_mb=64), log=LOG) as made:
        made.told, made.budgets = [], []
        site.make(made)
        yield made


def only(finished: dict[Any, Finished]) -> Outcome:
    [one] = finished.values()
    return one.outcome


def creates(answer: str) -> str:
    return f"def before_create(ctx):\n    return {answer}\n"


async def test_a_script_is_told_all_that_the_contract_names(site: Site, heard: Listening) -> None:
    await site.binds(NOTHING, params={"domain": "example.org"})
    op_id = await site.hires("Ada", "Moss")

    await site.run()

    [told] = heard.told
    [row] = await site.rows("SELECT correlation_id, created_at FROM operations_archive")
    assert list(told) == [
        *("api", "event", "object_class", "now", "operation_id", "correlation_id", "dry_run", "attempt", "iteration"),
        *("resource", "actor", "identity", "attributes", "current", "changes", "result", "params"),
    ]
    assert (told["api"], told["event"], told["object_class"], told["dry_run"]) == (1, "before_create", "user", False)
    assert (told["operation_id"], told["correlation_id"]) == (op_id, row["correlation_id"])
    assert (told["now"], told["attempt"], told["iteration"]) == (row["created_at"], 1, 0)
    assert told["resource"] == {"id": str(site.connector.id), "name": site.connector.name, "type": "memory"}
    assert told["actor"] == {"id": None, "kind": "api"}
    assert (told["identity"]["user_name"], told["attributes"]["login"]) == ("ada.moss", "ada.moss")
    assert (told["current"], told["changes"], told["result"]) == (None, {}, None)
    assert told["params"] == {"domain": "example.org"}


async def test_a_script_is_told_what_an_update_changes(site: Site, heard: Listening) -> None:
    await site.binds(NOTHING)
    owner, account_id, _ = await site.has()
    await site.asks("update", account_id, owner, family="Reed", given="Ada")

    await site.run()

    [told] = heard.told
    assert told["changes"] == {"family": {"old": "Moss", "new": "Reed"}}
    assert told["current"]["family"] == "Moss"


async def test_all_tries_of_an_operation_are_told_the_same_moment(site: Site, heard: Listening) -> None:
    await site.binds(NOTHING)
    site.target.next("create", TransientError("not now"))
    await site.hires("Ada", "Moss")

    await site.run()
    await site.again()

    assert [each["attempt"] for each in heard.told] == [1, 2]
    assert len({each["now"] for each in heard.told}) == 1
    assert all(isinstance(each["now"], datetime) for each in heard.told)


@pytest.mark.parametrize(
    ("permissions", "seen"),
    [pytest.param((), {"secret": True}, id="usual"), pytest.param(("secrets",), "hunter2", id="permitted")],
)
async def test_a_script_sees_secrets_only_with_the_permission(
    site: Site, heard: Listening, permissions: tuple[str, ...], seen: object
) -> None:
    await site.binds(creates('{"set": {"password": "hunter2"}}'), name="first", position=1)
    await site.binds(NOTHING, name="second", position=2, permissions=permissions)
    await site.hires("Ada", "Moss")

    await site.run()

    assert heard.told[-1]["attributes"]["password"] == seen
    [made] = site.target.accounts.values()
    assert made.attributes["password"] == "hunter2"


async def test_the_mark_of_a_secret_that_comes_back_changes_nothing(site: Site, heard: Listening) -> None:
    await site.binds(creates('{"set": {"password": "hunter2"}}'), name="first", position=1)
    await site.binds('def transform(ctx):\n    return ctx["attributes"]\n', name="second", position=2)
    await site.hires("Ada", "Moss")

    await site.run()

    [made] = site.target.accounts.values()
    assert made.attributes["password"] == "hunter2"


async def test_of_a_script_that_sees_secrets_nothing_that_it_says_of_a_failure_is_kept(
    site: Site, heard: Listening
) -> None:
    source = 'def before_create(ctx):\n    print("hunter2")\n    fail("hunter2")\n'
    await site.binds(source, permissions=("secrets",))
    await site.hires("Ada", "Moss")

    await site.run()
    await site.journal.run_once()

    row = await site.row("SELECT error_code, error_message FROM dead_letters")
    assert row["error_code"] == "hook.fail"
    kept = [
        str(each)
        for table in ("dead_letters", "operation_logs", "attempts", "hook_stats", "hook_records")
        for each in await site.rows(f"SELECT t::text FROM {table} t")
    ]
    assert len(kept) >= 4
    assert not [each for each in kept if "hunter2" in each]


BAD_NUMBERS = [
    pytest.param('float("nan")', id="nan"),
    pytest.param('float("inf")', id="infinity"),
    pytest.param('float("-inf")', id="minus infinity"),
    pytest.param("1e308 * 10", id="overflow"),
    pytest.param('json.decode("NaN")', id="decoded nan"),
    pytest.param('json.decode("1e999")', id="decoded overflow"),
    pytest.param("1e999", id="written overflow"),
]
PLACES = [
    pytest.param('{{"set": {{"department": {0}}}}}', id="set"),
    pytest.param('{{"set": {{"department": [1, {0}]}}}}', id="list"),
    pytest.param('{{"set": {{"department": [{{"a": {0}}}]}}}}', id="dict in a list"),
    pytest.param('{{"set": {{"department": ({0},)}}}}', id="tuple"),
    pytest.param('{{"tags": {{"a": {0}}}}}', id="tag"),
]


@pytest.mark.parametrize("number", BAD_NUMBERS)
@pytest.mark.parametrize("place", PLACES)
async def test_what_is_no_number_fails_and_never_clears_an_attribute(
    site: Site, heard: Listening, number: str, place: str
) -> None:
    answer = place.format(number)
    await site.binds(f"def before_update(ctx):\n    return {answer}\n", operation_types=(OperationType.UPDATE,))
    owner, account_id, _ = await site.has(observed={"login": "ada.moss", "department": "Sales"})
    await site.asks("update", account_id, owner, family="Reed")

    outcome = only(await site.run())

    assert isinstance(outcome, DeadLettered)
    assert outcome.error_code in {"hook.result", "hook.script", "hook.syntax", "hook.crash"}
    assert site.target.count("update") == 0


async def test_hooks_of_errors_see_how_a_try_ended_and_their_notes_are_kept(site: Site, heard: Listening) -> None:
    said = '"%s %s" % (ctx["result"]["status"], ctx["result"]["error"]["code"])'
    told = f'def on_error(ctx):\n    return {{"tags": {{"said": {said}}}}}\n'
    await site.binds(told, phase=HookPhase.ON_ERROR)
    await site.binds('def on_error(ctx):\n    fail("oh")\n', name="broken", phase=HookPhase.ON_ERROR, position=2)
    site.target.next("create", TransientError("not now"))
    op_id = await site.hires("Ada", "Moss")

    outcome = only(await site.run())

    assert isinstance(outcome, Retry)
    assert outcome.tags == {"said": "failed transient"}
    assert heard.told[0]["result"] == {
        "status": "failed",
        "uid": None,
        "error": {"code": "transient", "message": "not now"},
    }
    lines = await site.rows("SELECT level, message FROM operation_logs WHERE operation_id = $1", op_id)
    assert [row["level"] for row in lines] == ["warn", "warn", "info"]
    assert "broken (version 1) failed when told of the error: oh" in lines[1]["message"]
    assert lines[2]["message"] == 'Noted by hooks: {"said": "failed transient"}'


async def test_a_dead_letter_is_told_as_one(site: Site, heard: Listening) -> None:
    await site.binds(creates('reject("no contract")'), name="judge")
    note = 'def on_error(ctx):\n    return {"tags": {"status": ctx["result"]["status"]}}\n'
    await site.binds(note, name="note", phase=HookPhase.ON_ERROR)
    await site.hires("Ada", "Moss")

    outcome = only(await site.run())

    assert isinstance(outcome, DeadLettered)
    assert (outcome.error_code, outcome.tags) == ("hook.rejected", {"status": "dead_letter"})


async def test_a_delete_can_be_refused(site: Site, heard: Listening) -> None:
    await site.binds('def before_delete(ctx):\n    return reject("it is on hold", code="hold")\n')
    owner, account_id, uid = await site.has()
    await site.asks("delete", account_id, owner)

    outcome = only(await site.run())

    assert isinstance(outcome, DeadLettered)
    assert (outcome.error_code, uid in site.target.accounts) == ("hook.hold", True)


SPINS = """
def work(n):
    x = 0
    for i in range(n):
        x += i
    return x
def before_create(ctx):
    work(%d)
    return {"tags": {"%s": "done"}}
"""


async def test_the_hooks_of_a_phase_share_their_time(
    site: Site, heard: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first takes its share; the second is asked with what is left, and its failure names the chain."""
    monkeypatch.setattr(scripting, "CHAIN_MS", 60)
    await site.binds(SPINS % (200_000, "first"), name="first", position=1, budget_ms=3000)
    await site.binds(SPINS % (100_000_000, "second"), name="second", position=2, budget_ms=3000)
    await site.binds(SPINS % (1, "third"), name="third", position=3)
    await site.hires("Ada", "Moss")

    outcome = only(await site.run())

    assert isinstance(outcome, DeadLettered)
    assert outcome.error_code == "hook.deadline"
    assert "all hooks of a phase have together" in outcome.message
    assert heard.budgets[0] == 60
    assert len(heard.budgets) <= 2


async def test_a_hook_for_which_no_time_is_left_follows_its_policy(
    site: Site, heard: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripting, "CHAIN_MS", 1)
    await site.binds(SPINS % (300_000, "first"), name="first", position=1, on_error=FailurePolicy.SKIP_HOOK)
    await site.binds(SPINS % (1, "second"), name="second", position=2, on_error=FailurePolicy.SKIP_HOOK)
    await site.hires("Ada", "Moss")

    outcome = only(await site.run())

    assert isinstance(outcome, Succeeded)
    assert len(outcome.warnings) == 2
    assert "used up the two seconds" in outcome.warnings[1]
    assert len(heard.budgets) == 1


VERSIONED = 'def before_create(ctx):\n    return {"set": {"department": "%s", "password": rand.alnum(20)}}\n'


def sent(site: Site) -> list[tuple[str, str]]:
    return [(made["department"], made["password"]) for kind, made in site.target.calls if kind == "create"]


async def test_a_later_try_runs_the_version_of_the_first_and_makes_the_same_password(
    site: Site, heard: Listening
) -> None:
    hook_id = await site.binds(VERSIONED % "old")
    site.target.next("create", TransientError("not now"), TransientError("not yet"))
    await site.hires("Ada", "Moss")
    await site.run()
    await site.activates(hook_id, VERSIONED % "new")
    site.make(heard)  # as after a restart
    await site.again()
    await site.activates(hook_id, VERSIONED % "newest")
    await site.again()

    assert len(sent(site)) == 3
    assert {department for department, _ in sent(site)} == {"old"}
    assert len({password for _, password in sent(site)}) == 1


async def test_another_operation_runs_the_new_version_with_another_password(site: Site, heard: Listening) -> None:
    hook_id = await site.binds(VERSIONED % "old")
    await site.hires("Ada", "Moss")
    await site.run()
    await site.activates(hook_id, VERSIONED % "new")
    site.make(heard)
    await site.hires("Bo", "Zimmer")
    await site.run()

    assert [department for department, _ in sent(site)] == ["old", "new"]
    assert len({password for _, password in sent(site)}) == 2


async def test_a_dead_letter_that_is_put_back_begins_anew_with_the_version_of_then(
    site: Site, heard: Listening
) -> None:
    hook_id = await site.binds(creates('reject("a mistake of the script")'))
    op_id = await site.hires("Ada", "Moss")
    await site.run()
    await site.activates(hook_id, VERSIONED % "new")
    async with tenant(site.pool, site.tenant_id) as conn:
        await DeadLetters(OperationQueue()).retry(conn, tenant_id=site.tenant_id, operation_id=op_id)
    site.make(heard)
    site.target.next("create", TransientError("not now"))
    await site.run()
    await site.activates(hook_id, VERSIONED % "newest")
    site.make(heard)
    await site.again()

    assert [department for department, _ in sent(site)] == ["new", "new"]


async def test_hooks_of_one_batch_run_the_version_that_each_operation_began_with(site: Site, heard: Listening) -> None:
    hook_id = await site.binds(VERSIONED % "old")
    site.target.next("create", TransientError("not now"))
    await site.hires("Ada", "Moss")
    await site.run()
    await site.activates(hook_id, VERSIONED % "new")
    site.make(heard)
    await site.hires("Bo", "Zimmer")
    await site.hires("Cy", "Oduya")
    await site.again()

    made = {each.attributes["given"]: each.attributes["department"] for each in site.target.accounts.values()}
    assert made == {"Ada": "old", "Bo": "new", "Cy": "new"}


async def test_calls_are_counted_and_a_few_are_kept(site: Site, heard: Listening) -> None:
    source = (
        "def before_create(ctx):\n"
        '    if ctx["identity"]["given_name"] == "Bo":\n'
        '        fail("not Bo")\n'
        '    return {"set": {"department": "Sales", "password": "hunter2"}}\n'
    )
    hook_id = await site.binds(source)
    for given in ("Ada", "Bo", "Cy"):
        await site.hires(given, "Moss")
    await site.run()
    assert await site.journal.run_once() > 0
    assert await site.journal.run_once() == 0

    async with tenant(site.pool, site.tenant_id) as conn:
        found = await hook_stats.summary(conn, tenant_id=site.tenant_id, hook_ids=[hook_id], since=EPOCH)
        [call] = await hook_records.recent(conn, tenant_id=site.tenant_id, hook_id=hook_id)
    summary = found[hook_id]
    assert (summary.calls, summary.errors) == (3, {"hook.fail": 1})
    assert summary.last_error is not None
    assert (summary.last_error["class"], summary.last_error["line"]) == ("hook.fail", 3)
    assert 0 < (summary.p50_us or 0) <= (summary.p99_us or 0)
    assert (call.version, call.function, call.context["event"]) == (1, "before_create", "before_create")
    assert call.answer == {"set": {"department": "Sales", "password": {"secret": True}}}


async def test_counts_are_kept_while_the_database_is_away(
    site: Site, heard: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook_id = await site.binds(NOTHING)
    await site.hires("Ada", "Moss")
    await site.run()

    async def refuse(*_: Any, **__: Any) -> None:
        raise OSError("it is away")

    with monkeypatch.context() as patched:
        patched.setattr(hook_stats, "add", refuse)
        await site.journal.close()
    await site.hires("Bo", "Zimmer")
    await site.run()
    await site.journal.close()

    async with tenant(site.pool, site.tenant_id) as conn:
        found = await hook_stats.summary(conn, tenant_id=site.tenant_id, hook_ids=[hook_id], since=EPOCH)
    assert found[hook_id].calls == 2


async def test_an_event_that_a_script_has_no_function_for_is_no_call(site: Site, heard: Listening) -> None:
    await site.binds("def before_delete(ctx):\n    return None\n")
    await site.hires("Ada", "Moss")
    await site.run()

    assert await site.journal.run_once() == 0
