"""Hooks and expressions are asked whose accounts are: in runs over a real table, with real sandboxes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.integration.actions.conftest import Works, pool, table, works
from tests.integration.execution.conftest import LOG
from worker.actions import statistics
from worker.correlation import Asker
from worker.domain.errors import HookError
from worker.domain.hook import FailurePolicy, HookClass, HookLimits, HookPhase, HookResult, HookScript
from worker.domain.mapping import MappingRule
from worker.domain.run import Run, RunKind, RunMode, RunStatus, RunTrigger
from worker.execution import Journal
from worker.hooks import HookExecutor
from worker.recon import Backtests, ReconciliationEngine, Recorrelation
from worker.recon import steps as patience
from worker.store import backtests, hooks, mappings, rule_sets, runs
from worker.store.hooks import Binding
from worker.store.tenant import tenant

__all__ = ["pool", "table", "works"]

#: By the family name an account is somebody's with 89 %: a person is asked.
RULES = {"rules": [{"name": "family", "source": "family_name", "target": "family", "weight": 9}]}
#: The same, where nobody is found by the family name.
UNFOUND = {"rules": [{**RULES["rules"][0], "blocking": False}]}
BY_KEY = 'def correlate(ctx):\n    return [ctx["account"]["login"].removeprefix("x-")]\n'
BY_MATCH = 'def correlate(ctx):\n    return {"match": {"user_name": ctx["account"]["login"].removeprefix("x-")}}\n'
FINDINGS = (
    "SELECT discrepancy_type, explanation, identity_id FROM discrepancies WHERE resolution_status = 'pending' "
    "AND account_id IS NOT NULL ORDER BY external_uid"
)
CASES = "SELECT explanation, candidates FROM cases WHERE status = 'open'"


class Box(HookExecutor):
    """Real children; what scripts were asked is kept, and a test may refuse or hear of it first."""

    asked: list[dict[str, Any]]
    busy: int
    stop: asyncio.Event | None

    async def execute_batch(
        self,
        script: HookScript,
        function: str,
        contexts: Sequence[dict[str, Any]],
        *,
        budget_ms: int | None = None,
        seeds: Sequence[bytes] | None = None,
    ) -> list[HookResult | HookError]:
        self.asked += contexts
        if self.stop is not None:
            self.stop.set()
        if self.busy:
            self.busy -= 1
            return [HookError("no room", hook_class=HookClass.BUSY, retryable=True)] * len(contexts)
        return await super().execute_batch(script, function, contexts, budget_ms=budget_ms, seeds=seeds)


@pytest.fixture
async def box() -> AsyncIterator[Box]:
    async with Box(workers=1, limits=HookLimits(budget_ms=2000), log=LOG) as made:
        yield made


@pytest.fixture
async def heard(works: Works, box: Box) -> Works:
    """Nobody is made accounts for: what is in the table is nobody's, and only runs look."""
    box.asked, box.busy, box.stop = [], 0, None
    works.house = replace(works.house, scripts=box)
    await works.rows("UPDATE connectors SET scope = 'user_name eq \"nobody-at-all\"', version = version + 1")
    await works.table.execute("INSERT INTO people (login, family, mail) VALUES ('x-saskia', 'van Dijk', 's@x.example')")
    await works.hire(("Saskia", "van Dijk", "saskia@x.example"), ("Kim", "Berg", "kim@x.example"))
    return works


async def rule(works: Works, rules: dict[str, Any]) -> None:
    async with tenant(works.house.pool, works.tenant_id) as conn:
        where = {"tenant_id": works.tenant_id, "connector_id": works.connector.id}
        await rule_sets.put(conn, rules=rules, note="", by=works.operator.id, **where)


async def bind(works: Works, source: str, *, name: str = "contractors", **fields: Any) -> None:
    async with tenant(works.house.pool, works.tenant_id) as conn:
        where = {"tenant_id": works.tenant_id}
        hook_id = await hooks.insert(conn, name=name, **where)
        await hooks.add_version(conn, hook_id=hook_id, source=source, **where)
        await hooks.activate(conn, hook_id=hook_id, version=1, **where)
        binding = Binding(hook_id, works.connector.id, HookPhase.CORRELATE, **fields)
        await hooks.bind(conn, binding, **where)


async def found(works: Works) -> list[tuple[str, str]]:
    return [(row["discrepancy_type"], row["explanation"]) for row in await works.rows(FINDINGS)]


async def test_a_key_of_a_hook_links_whom_no_rule_finds(heard: Works) -> None:
    await rule(heard, UNFOUND)
    await heard.reconcile()
    before = await found(heard)
    await bind(heard, BY_KEY)
    await heard.reconcile()
    [(kind, words)] = await found(heard)
    keys = "SELECT hash, xmin::text FROM match_keys WHERE kind = 'by hook'"
    written = await heard.rows(keys)
    accounts = "SELECT id, xmin::text FROM accounts"
    versions = await heard.rows(accounts)
    await heard.reconcile()

    assert [each for each, _ in before] == ["orphan"]
    assert kind == "unlinked"
    assert "hook contractors (version 1): named by 'saskia'" in words
    assert [[*row] for row in await heard.rows(keys)] == [[*row] for row in written]
    assert len(written) == 1
    assert await found(heard) == [(kind, words)]
    assert [[*row] for row in await heard.rows(accounts)] == [[*row] for row in versions]


async def test_keys_of_a_hook_stay_when_it_fails_and_when_the_account_changes(heard: Works) -> None:
    """By them a create for the owner finds the account: without, it would make a second one."""
    await rule(heard, UNFOUND)
    await bind(heard, BY_KEY)
    await heard.reconcile()
    keys = "SELECT hash FROM match_keys WHERE kind = 'by hook'"
    before = [[*row] for row in await heard.rows(keys)]
    await heard.rows("UPDATE hooks SET suspended_at = now(), suspended_reason = 'kills' RETURNING id")
    await heard.table.execute("UPDATE people SET given = given || 'x'")
    await heard.reconcile()

    assert len(before) == 1
    assert [[*row] for row in await heard.rows(keys)] == before


async def test_match_takes_a_namesake_out(heard: Works) -> None:
    await rule(heard, RULES)
    await heard.hire(("Sven", "van Dijk", "sven@x.example"))
    await heard.reconcile()
    before = await found(heard)
    await bind(heard, BY_MATCH)
    await heard.reconcile()

    assert [each for each, _ in before] == ["collision"]
    [(kind, words)] = await found(heard)
    assert kind == "unlinked"
    assert "ruled out: hook contractors (version 1): user_name is to be 'saskia'" in words


async def test_a_score_decides_within_its_cap_and_the_hook_is_told_who_comes_into_question(
    heard: Works, box: Box
) -> None:
    score = 'def correlate(ctx):\n    return {"score": {c["id"]: 1.0 for c in ctx["candidates"]}}\n'
    await rule(heard, RULES)
    await bind(heard, score, params={"prefix": "x-"})
    await heard.reconcile()
    [context] = box.asked

    assert [each for each, _ in await found(heard)] == ["unlinked"]
    assert [each["user_name"] for each in context["candidates"]] == ["saskia"]
    assert (context["event"], context["params"], context["dry_run"]) == ("correlate", {"prefix": "x-"}, False)
    assert context["account"]["login"] == "x-saskia"
    assert context["account"]["uid"] == "1"


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("def correlate(ctx):\n    return all(range(2147483647))\n", id="never ends"),
        pytest.param('def correlate(ctx):\n    return ["x" * 1000000] * 100\n', id="answers too much"),
        pytest.param("def correlate(ctx):\n    return [[1]] * (1 << 40)\n", id="takes all memory"),
        pytest.param('def correlate(ctx):\n    return ctx["nothing"]\n', id="fails"),
        pytest.param('def correlate(ctx):\n    return {"score": {"x": 7}}\n', id="answers nonsense"),
    ],
)
async def test_a_hook_that_fails_leaves_a_case_and_never_a_stalled_run(heard: Works, source: str) -> None:
    await rule(heard, RULES)
    await bind(heard, source, budget_ms=100)
    await heard.reconcile()

    [case] = await heard.rows(CASES)
    assert case["explanation"].startswith("the hook contractors (version 1) failed: ")
    assert [each for each, _ in await found(heard)] == ["collision"]
    assert await heard.value("SELECT status FROM runs") == "completed"


async def test_a_hook_that_may_be_left_out_is_and_that_is_told(heard: Works) -> None:
    await rule(heard, RULES)
    await bind(heard, 'def correlate(ctx):\n    fail("no idea")\n', on_error=FailurePolicy.SKIP_HOOK)
    await bind(heard, BY_KEY, name="another", position=1)
    await heard.reconcile()

    [(kind, words)] = await found(heard)
    assert kind == "unlinked"
    assert "without the hook contractors (version 1), which failed: " in words


async def test_secrets_are_marks_to_a_hook_that_has_no_permission(heard: Works, box: Box) -> None:
    async with tenant(heard.house.pool, heard.tenant_id) as conn:
        where = {"tenant_id": heard.tenant_id, "connector_id": heard.connector.id, "object_class": "user"}
        secret = (MappingRule("login", source="user_name"), MappingRule("mail", source="mail", secret=True))
        version = await mappings.insert(conn, **where, rules=secret)
        await mappings.activate(conn, **where, version=version)
    await rule(heard, RULES)
    await bind(heard, BY_KEY)
    await heard.reconcile()
    [context] = box.asked

    assert context["candidates"][0]["mail"] == {"secret": True}
    assert context["account"].get("mail") in ({"secret": True}, None)


async def test_an_expression_speaks_like_any_rule_and_its_failure_is_neutral(heard: Works) -> None:
    same = {
        "name": "login",
        "source": "user_name",
        "target": "login",
        "match": "expression",
        "expression": 'identity["user_name"] == account["login"].removeprefix("x-")',
        "weight": 4,
    }
    broken = {**same, "name": "broken", "expression": 'identity["no such thing"]'}
    await rule(heard, {"rules": [*RULES["rules"], same, broken]})
    await heard.reconcile()

    [(kind, words)] = await found(heard)
    assert kind == "unlinked"
    assert "login: the expression holds" in words
    asked = await statistics.correlate(
        heard.house, heard.viewer, connector_id=heard.connector.id, attributes={"login": "x-kim", "family": "Berg"}
    )
    told = [one.words for one in asked.result.candidates[0].contributions]
    assert asked.result.decision.value == "auto"
    assert told[2].startswith("broken: the expression was not evaluated: ")


async def put_down(works: Works, box: Box, *, stops: bool) -> Run:
    """A run that finds no room, or is stopped while hooks are asked."""
    async with tenant(works.house.pool, works.tenant_id) as conn:
        where = {"tenant_id": works.tenant_id}
        run = await runs.create(
            conn,
            connector_id=works.connector.id,
            kind=RunKind.RECONCILIATION,
            mode=RunMode.FULL,
            trigger=RunTrigger.MANUAL,
            **where,
        )
        claimed = await runs.claim(conn, run_id=run.id, owner=works.lease.owner, **where)
    assert claimed is not None
    stop = asyncio.Event()
    box.stop = stop if stops else None
    house, asker = works.house, Asker(box, Journal(works.house.pool))
    left = await ReconciliationEngine(house.pool, house.targets, house.acceptance, stop=stop, asker=asker).run(claimed)
    box.stop = None
    assert left is not None
    return left


@pytest.mark.parametrize("stops", [pytest.param(True, id="stopped"), pytest.param(False, id="no room")])
async def test_a_run_that_was_put_down_while_hooks_were_asked_ends_as_one_that_was_not(
    heard: Works, box: Box, monkeypatch: pytest.MonkeyPatch, *, stops: bool
) -> None:
    monkeypatch.setattr(patience, "TRIES_FOR_ROOM", 1)
    await rule(heard, UNFOUND)
    await bind(heard, BY_KEY)
    box.busy = 0 if stops else 1
    left = await put_down(heard, box, stops=stops)
    between = await found(heard)
    async with tenant(heard.house.pool, heard.tenant_id) as conn:
        await runs.resume(conn, tenant_id=heard.tenant_id, run_id=left.id)
    await heard.go_on(left.id)

    assert (left.status, left.phase, between) == (RunStatus.PAUSED, "owners", [])
    [(kind, _)] = await found(heard)
    assert kind == "unlinked"
    assert {context["now"] for context in box.asked} == {left.started_at}


async def test_calls_are_counted_in_runs_and_not_in_trials(heard: Works) -> None:
    await rule(heard, RULES)
    await bind(heard, BY_KEY)
    journal = Journal(heard.house.pool)
    heard_by = Asker(heard.house.box, journal)
    house = heard.house
    await statistics.correlate(house, heard.viewer, connector_id=heard.connector.id, attributes={"family": "Berg"})
    await heard.reconcile()
    again = Recorrelation(house.pool, house.targets, heard_by)
    await heard.hire(("Sia", "van Dijk", "sia@x.example"))
    await again.run_once(heard.tenant_id)
    await journal.run_once()

    counted = await heard.rows("SELECT sum(calls) AS n FROM hook_stats")
    assert [row["n"] for row in counted] == [1]


async def test_whoever_comes_is_found_for_an_account_by_the_key_that_a_hook_gave_it(heard: Works) -> None:
    await rule(heard, UNFOUND)
    await bind(heard, BY_KEY)
    await heard.table.execute("INSERT INTO people (login, family) VALUES ('x-lou', 'Anders')")
    await heard.reconcile()
    before = await found(heard)
    await heard.hire(("Lou", "Anders", "lou@x.example"))
    looked = await Recorrelation(heard.house.pool, heard.house.targets, heard.asker).run_once(heard.tenant_id)

    assert [each for each, _ in before] == ["unlinked", "orphan"]
    assert looked == 1
    assert [each for each, _ in await found(heard)] == ["unlinked", "unlinked"]


async def test_a_back_test_asks_as_well(heard: Works) -> None:
    """Without the hook the changed rules would ask a person about a link that a person confirmed."""
    await rule(heard, UNFOUND)
    await bind(heard, BY_KEY)
    await heard.reconcile()
    [account] = await heard.rows("SELECT id FROM accounts WHERE uid IS NOT NULL")
    owner = await heard.value("SELECT id FROM identities WHERE user_name = 'saskia'")
    where = {"tenant_id": heard.tenant_id, "connector_id": heard.connector.id}
    async with tenant(heard.house.pool, heard.tenant_id) as conn:
        await conn.execute(
            "INSERT INTO decisions (tenant_id, connector_id, account_id, identity_id, verdict, decided_at, decided_by) "
            "VALUES ($1, $2, $3, $4, 'is', now(), $5)",
            *where.values(), account["id"], owner, heard.operator.id,
        )  # fmt: skip
        test_id = await backtests.start(
            conn, rules=RULES, base_version=1, base_rules=UNFOUND, created_by=heard.operator.id, **where
        )
    await Backtests(heard.house.pool, heard.asker).run_once(heard.tenant_id)

    async with tenant(heard.house.pool, heard.tenant_id) as conn:
        test = await backtests.get(conn, tenant_id=heard.tenant_id, backtest_id=test_id)
    assert test is not None
    assert (test.status, test.counts["before"]["right"], test.counts["after"]["right"]) == ("completed", 1, 1)


@pytest.fixture
async def creating(works: Works, box: Box) -> Works:
    """An account of nobody that a run has seen, and then somebody who is to get one."""
    box.asked, box.busy, box.stop = [], 0, None
    works.house = replace(works.house, scripts=box)
    await rule(works, UNFOUND)
    await works.table.execute("INSERT INTO people (login, family) VALUES ('x-saskia', 'van Dijk')")
    return works


async def test_a_create_finds_the_account_that_a_hook_gave_its_key(creating: Works, box: Box) -> None:
    await bind(creating, BY_KEY)
    await creating.reconcile()
    await creating.hire(("Saskia", "van Dijk", "saskia@x.example"), ("Kim", "Berg", "kim@x.example"))
    await creating.work()

    assert await creating.logins() == [("kim", True), ("x-saskia", True)]  # it keeps the name that it is known by
    match = await creating.value("SELECT match FROM accounts WHERE match IS NOT NULL")
    assert match["match"]["contributions"][-1]["words"] == "hook contractors (version 1): named by 'saskia'"
    assert [each["user_name"] for each in box.asked[-1]["candidates"]] == ["saskia"]


@pytest.mark.parametrize(
    ("policy", "ended"),
    [
        pytest.param(FailurePolicy.FAIL, "The hook failed", id="fail"),
        pytest.param(FailurePolicy.QUARANTINE, "Quarantined, for the hook contractors", id="quarantine"),
    ],
)
async def test_a_create_whose_hook_fails_makes_nobody_twice(creating: Works, policy: FailurePolicy, ended: str) -> None:
    await rule(creating, RULES)
    await creating.reconcile()
    await bind(creating, 'def correlate(ctx):\n    fail("no idea")\n', on_error=policy)
    await creating.hire(("Saskia", "van Dijk", "saskia@x.example"), ("Kim", "Berg", "kim@x.example"))
    await creating.work()

    [dead] = await creating.rows("SELECT error_message FROM dead_letters")
    assert dead["error_message"].startswith(ended)
    assert await creating.logins() == [("kim", True), ("x-saskia", True)]
