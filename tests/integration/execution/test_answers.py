"""What becomes of a try whose answer is lost or refused, and of a name that is taken."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.execution.conftest import HANGS, HAPPENS_AND_HANGS, LOSES_ANSWER, Site
from worker.domain.correlation import PersonDecision, Verdict
from worker.domain.errors import (
    InvalidAttributes,
    OutcomeUnknown,
    TargetBusy,
    TargetUnavailable,
)
from worker.domain.ids import uuid7
from worker.domain.outcome import DeadLettered, Outcome, Parked, Retry, Succeeded
from worker.domain.processing import Finished
from worker.store.tenant import tenant


def only(finished: dict[Any, Finished]) -> Outcome:
    [one] = finished.values()
    return one.outcome


async def test_a_create_that_happened_is_recognised_when_its_answer_is_lost(site: Site) -> None:
    await site.hires("Ada", "Moss")
    site.target.next("create", LOSES_ANSWER)

    outcome = only(await site.run())

    assert isinstance(outcome, Succeeded)
    account = await site.row("SELECT uid, state, match FROM accounts")
    assert (account["uid"], account["state"], account["match"]) == (*site.target.accounts, "active", None)
    assert site.target.count("create") == 1
    assert (outcome.already_so, outcome.sent is not None) == (False, True), "it is what this try sent"


async def test_a_create_that_did_not_happen_is_tried_again_and_makes_one_account(site: Site) -> None:
    op_id = await site.hires("Ada", "Moss")
    site.target.next("create", OutcomeUnknown())

    first = only(await site.run())
    second = only(await site.again())

    assert (type(first), type(second)) == (Retry, Succeeded)
    assert site.logins() == ["ada.moss"]
    tries = await site.rows("SELECT outcome, error_code FROM attempts ORDER BY attempt_number")
    assert [tuple(row) for row in tries] == [("failed", "outcome_unknown"), ("done", None)]
    assert await site.row("SELECT retry_count FROM operations_archive WHERE id = $1", op_id) == (1,)


async def test_a_create_that_nobody_could_read_back_is_found_by_the_next_try(site: Site) -> None:
    """It happened, and the target went away before we could see that."""
    await site.hires("Ada", "Moss")
    site.target.next("create", LOSES_ANSWER)
    site.target.next("find", TargetBusy(retry_after=timedelta(0)))

    first = only(await site.run())
    await site.rows("UPDATE operations SET status = 'pending', wait_reason = NULL, next_retry_at = NULL RETURNING id")
    second = only(await site.run())

    assert (type(first), type(second)) == (Parked, Succeeded)
    assert site.target.count("create") == 1
    assert site.logins() == ["ada.moss"]


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [pytest.param(LOSES_ANSWER, Succeeded, id="it happened"), pytest.param(OutcomeUnknown(), Retry, id="it did not")],
)
async def test_an_update_whose_answer_is_lost_is_read_back(site: Site, fault: Any, outcome: type) -> None:
    owner, account_id, _ = await site.has()
    await site.asks("update", account_id, owner, department="Sales")
    site.target.next("update", fault)

    assert type(only(await site.run())) is outcome

    observed = (await site.row("SELECT observed FROM accounts"))["observed"]
    assert observed.get("department") == ("Sales" if outcome is Succeeded else None)


@pytest.mark.parametrize(
    ("fault", "outcome", "state"),
    [
        pytest.param(LOSES_ANSWER, Succeeded, "dead", id="it happened"),
        pytest.param(OutcomeUnknown(), Retry, "active", id="it did not"),
    ],
)
async def test_a_delete_whose_answer_is_lost_is_read_back(site: Site, fault: Any, outcome: type, state: str) -> None:
    owner, account_id, _ = await site.has()
    await site.asks("delete", account_id, owner)
    site.target.next("delete", fault)

    assert type(only(await site.run())) is outcome

    assert await site.row("SELECT state FROM accounts") == (state,)


async def test_an_account_that_is_just_what_we_send_is_ours(site: Site) -> None:
    await site.hires("Ada", "Moss")
    uid = site.target.put(
        {"login": "ada.moss", "mail": "ada.moss@example.org", "given": "Ada", "family": "Moss", "department": "x"}
    )

    outcome = only(await site.run())

    assert isinstance(outcome, Succeeded)
    assert (outcome.uid, outcome.already_so) == (uid, True)
    assert site.target.count("update") == 0
    assert await site.row("SELECT count(*) FROM accounts") == (1,)


async def test_a_name_that_somebody_else_s_account_has_is_a_question_for_a_person(site: Site) -> None:
    _, taken, uid = await site.has()
    other = await site.person("Ada", "Moss")
    account_id = await site.account(other)
    op_id = await site.asks("create", account_id, other, login="ada.moss", department="Sales", active=True)

    outcome = only(await site.run())

    assert isinstance(outcome, Parked)
    case = await site.row("SELECT status, identity_id, operation_id, candidates, explanation FROM cases")
    assert (case["status"], case["identity_id"], case["operation_id"]) == ("open", other, op_id)
    assert [each["ref_id"] for each in case["candidates"]] == [str(taken)]
    assert "belongs to somebody else" in case["explanation"]
    assert site.target.accounts[uid].attributes.get("department") is None


async def test_a_taken_name_whose_account_a_person_refused_is_a_dead_letter(site: Site) -> None:
    owner = await site.person("Ada", "Moss")
    refused, _ = await site.unowned(login="ada.moss", department="Sales")
    await site.decided(PersonDecision(refused, owner, Verdict.IS_NOT))
    await site.asks("create", await site.account(owner), owner, login="ada.moss", department="Sales", active=True)

    outcome = only(await site.run())

    assert isinstance(outcome, DeadLettered)
    assert outcome.error_code == "already_exists"


async def test_an_unknown_account_with_the_name_that_is_surely_theirs_is_taken_over(site: Site) -> None:
    """By the second try: until then another daemon may have made it, and would have written down for whom."""
    await site.hires("Ada", "Moss", department="Sales")
    site.target.put({"login": "ada.moss", "mail": "ada.moss@example.org", "given": "Ada", "family": "Moss"})

    first = only(await site.run())
    outcome = only(await site.again())

    assert isinstance(first, Retry)
    assert isinstance(outcome, Succeeded)
    assert outcome.match is not None
    assert site.target.calls[-1] == ("update", {"department": "Sales"})
    account = await site.row("SELECT state, observed_active, match FROM accounts")
    assert (account["state"], account["observed_active"], account["match"]["decision"]) == ("active", True, "auto")


async def test_an_unknown_account_with_the_name_and_nothing_else_is_a_question_for_a_person(site: Site) -> None:
    await site.hires("Ada", "Moss")
    site.target.put({"login": "ada.moss", "given": "Bo", "family": "Zimmer", "mail": "bo@elsewhere.example"})

    assert isinstance(only(await site.run()), Retry)
    assert isinstance(only(await site.again()), Parked)

    assert site.target.count("update") == 0
    assert await site.row("SELECT count(*) FROM cases WHERE status = 'open'") == (1,)


@pytest.mark.parametrize(
    ("fault", "calls"),
    [
        pytest.param(HANGS, ["create", "find", "create"], id="it did not happen"),
        pytest.param(HAPPENS_AND_HANGS, ["create", "find"], id="it happened"),
    ],
)
async def test_a_try_that_does_not_end_is_given_up_and_the_next_one_looks_first(
    site: Site, fault: object, calls: list[str]
) -> None:
    await site.hires("Ada", "Moss")
    site.make(attempt_s=0.6)
    site.target.next("create", fault)

    first = only(await site.run())
    site.make()
    second = only(await site.again())

    assert isinstance(first, Retry)
    assert first.error_code == "attempt_timeout"
    assert isinstance(second, Succeeded)
    assert [kind for kind, _ in site.target.calls] == calls
    assert site.logins() == ["ada.moss"]


@pytest.mark.parametrize(
    ("error", "status", "tries", "told"),
    [
        pytest.param(TargetUnavailable(), "awaiting_system", 0, True, id="unreachable"),
        pytest.param(TargetBusy(), "awaiting_system", 0, True, id="busy"),
        pytest.param(InvalidAttributes("No."), None, 0, True, id="refused"),
    ],
)
async def test_how_the_target_failed_decides_what_becomes_of_the_operation(
    site: Site, error: Exception, status: str | None, tries: int, told: bool
) -> None:
    owner, account_id, _ = await site.has()
    op_id = await site.asks("update", account_id, owner, department="Sales")
    site.target.next("update", error)

    await site.run()

    found = await site.rows("SELECT status, retry_count FROM operations WHERE id = $1", op_id)
    dead = await site.rows("SELECT error_code FROM dead_letters WHERE id = $1", op_id)
    assert [tuple(row) for row in found] == ([(status, tries)] if status else [])
    assert len(dead) == (0 if status else 1)
    assert site.targets.reports == ([error] if told else [])


@pytest.mark.parametrize("error", [OutcomeUnknown(), InvalidAttributes("No.")], ids=["lost", "refused"])
async def test_a_failed_try_shows_what_was_sent_without_its_secrets(site: Site, error: Exception) -> None:
    owner, account_id, _ = await site.has()
    await site.asks("update", account_id, owner, department="Sales", password="hunter2")
    site.target.next("update", error)

    await site.run()

    sent = (await site.row("SELECT sent FROM attempts"))["sent"]
    assert sent == {"attributes": {"department": "Sales", "password": {"secret": True}}, "active": None}


async def test_a_try_that_failed_before_anything_was_sent_shows_nothing(site: Site) -> None:
    await site.hires("Ada", "Moss")
    site.make(attempt_s=0.6)
    site.target.next("create", HANGS)
    await site.run()
    site.make()
    site.target.next("find", InvalidAttributes("No such attribute."))

    await site.again()

    tries = await site.rows("SELECT outcome, sent FROM attempts ORDER BY attempt_number")
    assert [tuple(row) for row in tries] == [("failed", None), ("dead_letter", None)]


async def test_a_secret_whose_answer_was_lost_is_sent_again(site: Site) -> None:
    """It cannot be read back, so that nothing shows whether it arrived."""
    owner, account_id, uid = await site.has()
    await site.asks("update", account_id, owner, password="hunter2")
    site.target.next("update", OutcomeUnknown())

    first = only(await site.run())
    second = only(await site.again())

    assert (type(first), type(second)) == (Retry, Succeeded)
    assert site.target.accounts[uid].attributes["password"] == "hunter2"


async def test_a_second_account_of_one_uid_is_never_recorded(site: Site) -> None:
    """The last line: whatever two tries did, the record of one account has one owner."""
    _, _, uid = await site.has()
    other = await site.person("Bo", "Zimmer")
    account_id = await site.account(other)
    op_id = await site.asks("create", account_id, other, login="bo.zimmer", active=True)
    claimed = await site.claim()

    async with site.writer() as finisher:
        finisher.put(site.lease.owner, Finished(claimed[0], Succeeded(uid), 1))

    assert await site.row("SELECT error_code FROM dead_letters WHERE id = $1", op_id) == ("uid_taken",)
    assert await site.row("SELECT uid FROM accounts WHERE id = $1", account_id) == (None,)


async def test_an_account_that_somebody_recorded_as_nobodys_meanwhile_is_its_makers(site: Site) -> None:
    """Whoever looks for the account of a namesake finds what was made a moment ago, before we have written it."""
    person = await site.person("Bo", "Zimmer")
    account_id = await site.account(person)
    await site.asks("create", account_id, person, login="bo.zimmer", active=True)
    [claimed] = await site.claim()

    async with site.writer() as finisher, tenant(site.pool, site.tenant_id) as conn:
        await conn.execute(
            """INSERT INTO accounts (tenant_id, id, connector_id, object_class, uid, state)
            VALUES ($1, $2, $3, 'user', 'u-1', 'active')""",
            site.tenant_id,
            uuid7(),
            site.connector.id,
        )
        finisher.put(site.lease.owner, Finished(claimed, Succeeded("u-1"), 1))
        while not await conn.fetchval(
            "SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        ):
            await asyncio.sleep(0.01)

    assert await site.rows("SELECT error_code FROM dead_letters") == []
    assert await site.row("SELECT id FROM accounts WHERE uid = 'u-1'") == (account_id,)
