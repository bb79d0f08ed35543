"""Whose account is it, asked for a whole batch: nobody gets what is not surely theirs, and nothing is given twice."""

import asyncio
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pytest

from tests.integration.execution.conftest import HANGS, LOSES_ANSWER, Site
from tests.waiting import eventually
from worker.domain.correlation import NOBODY, PersonDecision, Verdict
from worker.domain.errors import InvalidAttributes, TargetBusy
from worker.domain.outcome import DeadLettered, Outcome, Parked, Retry, Succeeded
from worker.domain.processing import Finished
from worker.execution import candidates, matching

ADA = {"login": "amoss", "mail": "ada.moss@example.org", "given": "Ada", "family": "Moss"}
#: Of the same name, and nothing else is known.
NAMESAKE = {"login": "moss-old", "given": "Ada", "family": "Moss"}


def outcomes(finished: dict[UUID, Finished], ids: Iterable[UUID]) -> list[Outcome]:
    return [finished[each].outcome for each in ids]


@pytest.mark.parametrize("most_keys", [candidates.MOST_KEYS, 0], ids=["keys are held", "too many keys to hold"])
async def test_of_a_batch_everybody_gets_what_is_surely_theirs_and_the_others_a_new_one(
    site: Site, monkeypatch: pytest.MonkeyPatch, most_keys: int
) -> None:
    monkeypatch.setattr(candidates, "MOST_KEYS", most_keys)
    _, uid = await site.unowned(**ADA)
    asked = [await site.hires(*who) for who in (("Ada", "Moss"), ("Bo", "Zimmer"), ("Cy", "Oduya"))]

    finished = await site.run()

    ada, bo, cy = outcomes(finished, asked)
    assert isinstance(ada, Succeeded)
    assert (ada.uid, ada.match is not None) == (uid, True)
    assert [one.match for one in (bo, cy) if isinstance(one, Succeeded)] == [None, None]
    assert site.logins() == ["amoss", "bo.zimmer", "cy.oduya"]
    assert await site.row("SELECT count(*) FROM accounts WHERE identity_id IS NULL") == (0,)


async def test_an_adopted_account_keeps_its_name_and_gets_the_rest(site: Site) -> None:
    _, uid = await site.unowned(**ADA)
    await site.hires("Ada", "Moss", department="Sales")

    await site.run()

    assert site.target.accounts[uid].attributes == {**ADA, "department": "Sales"}
    assert (await site.row("SELECT sent FROM attempts"))["sent"] == {
        "attributes": {"department": "Sales"},
        "active": None,
    }


async def test_an_account_that_may_be_theirs_opens_a_case_and_nothing_is_made(site: Site) -> None:
    record, _ = await site.unowned(**NAMESAKE)
    ada, bo = await site.hires("Ada", "Moss"), await site.hires("Bo", "Zimmer")

    first, second = outcomes(await site.run(), [ada, bo])

    assert (type(first), type(second)) == (Parked, Succeeded)
    case = await site.row("SELECT operation_id, candidates FROM cases WHERE status = 'open'")
    assert (case["operation_id"], [each["ref_id"] for each in case["candidates"]]) == (ada, [str(record)])
    waits = await site.row("SELECT status, wait_reason, retry_count FROM operations WHERE id = $1", ada)
    assert tuple(waits) == ("awaiting_system", "case", 0)
    assert site.logins() == ["bo.zimmer", "moss-old"]


@pytest.mark.parametrize("is_prepared", [True, False], ids=["asked ahead", "asked alone"])
async def test_of_two_who_match_the_same_account_one_gets_it_and_a_person_is_asked_for_the_other(
    site: Site, is_prepared: bool
) -> None:
    """Two records of one person, as a source that was merged badly has them."""
    _, uid = await site.unowned(**ADA, employee_number="4711")
    asked = []
    for department in ("Sales", "Legal"):
        owner = await site.person("Ada", "Moss", employee_number="4711")
        wanted = {**ADA, "login": f"ada.{department}".lower(), "department": department}
        asked.append(await site.asks("create", await site.account(owner), owner, active=True, **wanted))

    finished = await site.run(is_prepared=is_prepared)

    winners = {op_id: one.outcome for op_id, one in finished.items() if isinstance(one.outcome, Succeeded)}
    [(winner, outcome)] = winners.items()
    [loser] = set(asked) - {winner}
    assert isinstance(finished[loser].outcome, Parked)
    assert isinstance(outcome, Succeeded)
    assert outcome.uid == uid
    sent = finished[winner].operation.attributes["department"]
    assert [each.attributes["department"] for each in site.target.accounts.values()] == [sent]
    owner = await site.row("SELECT identity_id FROM accounts WHERE uid = $1", uid)
    assert owner == (finished[winner].operation.user_id,)
    case = await site.row("SELECT operation_id, explanation FROM cases WHERE status = 'open'")
    assert case["operation_id"] == loser
    assert "somebody else's" in case["explanation"]


async def test_who_took_an_account_over_may_go_on_with_it_after_a_failure(site: Site) -> None:
    _, uid = await site.unowned(**ADA)
    op_id = await site.hires("Ada", "Moss", department="Sales")
    site.target.next("update", LOSES_ANSWER)
    site.target.next("get", None, TargetBusy())

    first = (await site.run())[op_id].outcome
    await site.rows("UPDATE operations SET status = 'pending', wait_reason = NULL, next_retry_at = NULL RETURNING id")
    second = (await site.run())[op_id].outcome

    assert (type(first), type(second)) == (Parked, Succeeded)
    assert list(site.target.accounts) == [uid]


async def test_an_account_that_got_an_owner_since_it_was_looked_for_stays_with_them(site: Site) -> None:
    record, uid = await site.unowned(**ADA)
    other = await site.person("Bo", "Zimmer")
    op_id = await site.hires("Ada", "Moss", department="Sales")

    async def link() -> None:
        await site.rows("UPDATE accounts SET identity_id = $2 WHERE id = $1 RETURNING id", record, other)

    outcome = (await site.run(between=link))[op_id].outcome

    assert isinstance(outcome, Succeeded)
    assert outcome.uid != uid
    assert site.target.accounts[uid].attributes == ADA
    assert await site.row("SELECT identity_id FROM accounts WHERE uid = $1", uid) == (other,)


@pytest.mark.parametrize("is_merged", [False, True], ids=["linked", "its record gave way"])
async def test_an_account_that_a_person_gave_to_two_is_a_question_again(site: Site, is_merged: bool) -> None:
    record, uid = await site.unowned(**ADA)
    other = await site.person("Bo", "Zimmer")
    op_id = await site.hires("Ada", "Moss", department="Sales")
    owner = (await site.row("SELECT user_id FROM operations"))["user_id"]
    await site.decided(PersonDecision(record, owner, Verdict.IS))
    if is_merged:
        await site.rows("DELETE FROM accounts WHERE id = $1 RETURNING id", record)
        await site.account(other, uid=uid)
    else:
        await site.rows("UPDATE accounts SET identity_id = $2 WHERE id = $1 RETURNING id", record, other)

    finished = await site.run()

    assert not isinstance(finished[op_id].outcome, DeadLettered)
    assert site.target.accounts[uid].attributes == ADA
    assert await site.row("SELECT identity_id FROM accounts WHERE uid = $1", uid) == (other,)
    assert await site.row("SELECT count(*) FROM cases WHERE status = 'open'") == (0 if is_merged else 1,)


async def test_an_account_that_is_no_more_at_the_target_is_made_anew(site: Site) -> None:
    _, uid = await site.unowned(**ADA)
    op_id = await site.hires("Ada", "Moss")
    site.target.remove(uid)

    outcome = (await site.run())[op_id].outcome

    assert isinstance(outcome, Succeeded)
    assert (outcome.match, site.logins()) == (None, ["ada.moss"])


async def test_an_account_that_lost_its_owner_is_found_once_its_keys_are_read_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.hires("Bo", "Zimmer")
    await site.run()
    _, uid = await site.unowned(**ADA)
    monkeypatch.setattr(candidates, "KEYS_FRESH_S", 0.0)
    op_id = await site.hires("Ada", "Moss")

    outcome = (await site.run())[op_id].outcome

    assert isinstance(outcome, Succeeded)
    assert outcome.uid == uid


@pytest.mark.parametrize(
    ("seen", "verdict", "ends", "logins"),
    [
        pytest.param(NAMESAKE, Verdict.IS, Succeeded, ["moss-old"], id="it is"),
        pytest.param(ADA, Verdict.IS_NOT, Succeeded, ["ada.moss", "amoss"], id="it is not"),
        pytest.param(ADA, Verdict.NOBODY, Succeeded, ["ada.moss", "amoss"], id="it is nobody's"),
        pytest.param(NAMESAKE, None, Parked, ["moss-old"], id="nobody said anything"),
    ],
)
async def test_what_a_person_said_outranks_what_looks_alike(
    site: Site, seen: dict[str, Any], verdict: Verdict | None, ends: type, logins: list[str]
) -> None:
    record, _ = await site.unowned(**seen)
    op_id = await site.hires("Ada", "Moss")
    owner = (await site.row("SELECT user_id FROM operations"))["user_id"]
    if verdict is not None:
        who = NOBODY if verdict is Verdict.NOBODY else owner
        await site.decided(PersonDecision(record, who, verdict))

    finished = await site.run()

    assert isinstance(finished[op_id].outcome, ends)
    assert site.logins() == logins


async def test_what_a_person_said_of_somebody_else_decides_nothing_here(site: Site) -> None:
    record, uid = await site.unowned(**ADA)
    await site.decided(PersonDecision(record, await site.person("Bo", "Zimmer"), Verdict.IS_NOT))
    op_id = await site.hires("Ada", "Moss")

    outcome = (await site.run())[op_id].outcome

    assert isinstance(outcome, Succeeded)
    assert outcome.uid == uid


async def test_in_tuning_mode_nobody_is_linked_without_a_person(site: Site) -> None:
    site.targets.set(site.connector, tuning_mode=True)
    await site.unowned(**ADA)
    ada, bo = await site.hires("Ada", "Moss"), await site.hires("Bo", "Zimmer")

    first, second = outcomes(await site.run(), [ada, bo])

    assert (type(first), type(second)) == (Parked, Succeeded)
    assert "tuning mode" in (await site.row("SELECT explanation FROM cases"))["explanation"]


async def test_two_who_want_the_same_name_end_with_one_account_and_a_question(site: Site) -> None:
    """Neither is known to the target; the one that comes second meets what the first has just made."""
    first, second = await site.person("Ada", "Moss"), await site.person("Bo", "Zimmer")
    for owner, given in ((first, "Ada"), (second, "Bo")):
        account_id = await site.account(owner)
        await site.asks("create", account_id, owner, login="staff", given=given, active=True)

    finished = await site.run()

    ends = sorted(type(one.outcome).__name__ for one in finished.values())
    assert ends == ["Parked", "Succeeded"]
    [made] = site.target.accounts.values()
    owner = await site.row("SELECT identity_id FROM accounts WHERE uid = $1", made.uid)
    assert owner == (first if made.attributes["given"] == "Ada" else second,)


async def test_an_account_that_is_being_made_is_nobody_elses_however_well_it_fits(site: Site) -> None:
    """Until it is written down, our records do not tell whose it is; its name and number are those of both."""
    for department in ("Sales", "Law"):
        await site.hires("Ada", "Moss", department=department, employee_number="4711")

    finished = await site.run()

    assert sorted(type(one.outcome).__name__ for one in finished.values()) == ["Parked", "Succeeded"]
    [made] = site.target.accounts.values()
    owner = await site.row("SELECT wanted FROM accounts WHERE uid = $1", made.uid)
    assert owner["wanted"]["department"] == made.attributes["department"]
    assert site.target.count("update") == 0


async def test_what_another_daemon_is_making_is_nobody_elses_however_well_it_fits(site: Site) -> None:
    """By the second try it is written down whose it is."""
    for department in ("Sales", "Law"):
        await site.hires("Ada", "Moss", department=department, employee_number="4711")
    first, second = await site.claim()
    tries = [await site.make().process(op) for op in (first, second)]
    async with site.writer() as finisher:
        for each in tries:
            finisher.put(site.lease.owner, each)

    [again] = (await site.again()).values()

    assert [type(each.outcome) for each in (*tries, again)] == [Succeeded, Retry, Parked]
    [made] = site.target.accounts.values()
    owner = await site.row("SELECT identity_id FROM accounts WHERE uid = $1", made.uid)
    assert (owner["identity_id"], made.attributes["department"]) == (first.user_id, "Sales")


async def test_a_name_that_was_refused_to_somebody_is_free_for_the_next(site: Site) -> None:
    bo = {"login": "staff", "mail": "bo@example.org", "given": "Bo", "family": "Zimmer", "employee_number": "4711"}
    site.target.next("create", InvalidAttributes("no"))
    await site.asks("create", await site.account(await site.person("Ada", "Moss")), login="staff", active=True)
    [refused] = (await site.run()).values()
    uid = site.target.put(bo)  # nobody has listed it yet
    owner = await site.person("Bo", "Zimmer", employee_number="4711")
    await site.asks("create", await site.account(owner, wanted=bo), owner, active=True, **bo, department="Law")

    await site.run()
    [found] = (await site.again()).values()

    assert isinstance(refused.outcome, DeadLettered)
    assert isinstance(found.outcome, Succeeded)
    assert found.outcome.uid == uid


async def test_rules_that_cannot_be_read_fail_creates_alone(site: Site) -> None:
    owner, account_id, uid = await site.has()
    await site.rows(
        "INSERT INTO rule_sets (tenant_id, connector_id, version, rules, is_active) "
        "VALUES ($1, $2, 1, $3, true) RETURNING version",
        site.tenant_id,
        site.connector.id,
        {"rules": "all of them"},
    )
    update = await site.asks("update", account_id, owner, department="Sales")
    create = await site.hires("Bo", "Zimmer")

    made, changed = outcomes(await site.run(), [create, update])

    assert isinstance(changed, Succeeded)
    assert isinstance(made, Retry | DeadLettered)
    assert site.target.accounts[uid].attributes["department"] == "Sales"
    assert site.logins() == ["ada.moss"]


async def test_a_target_that_does_not_say_what_it_has_holds_up_creates_at_no_other(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answered before; meanwhile its connection was made anew, and its rules are to be read again."""
    monkeypatch.setattr(matching, "FRESH_S", 0.0)
    other = await site.beside("other")
    await site.hires("Ada", "Moss")
    await site.run()
    (await site.targets.get(site.tenant_id, site.connector.id)).schema = None
    site.target.next("schema", HANGS)
    await site.hires("Bo", "Zimmer")
    await other.hires("Cy", "Oduya")
    waiting = asyncio.create_task(site.executor.prepare(site.tenant_id, await site.claim()))
    try:
        await eventually(lambda: not site.target.script["schema"])

        [made] = (await other.run()).values()

        assert isinstance(made.outcome, Succeeded)
        assert other.logins() == ["cy.oduya"]
        assert not waiting.done()
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_of_two_processes_that_match_one_account_at_one_moment_one_takes_it(site: Site) -> None:
    """They see each other before anything is sent."""
    _, uid = await site.unowned(**ADA, employee_number="4711")
    for name in ("one", "two"):
        owner = await site.person("Ada", "Moss", employee_number="4711")
        wanted = {**ADA, "login": f"ada.{name}", "department": name}
        await site.asks("create", await site.account(owner), owner, active=True, **wanted)
    first, second = await site.claim()

    tries = [await site.make().process(op) for op in (first, second)]
    async with site.writer() as finisher:
        for each in tries:
            finisher.put(site.lease.owner, each)

    owners = await site.rows("SELECT identity_id FROM accounts WHERE uid = $1", uid)
    assert [row["identity_id"] for row in owners] == [first.user_id]
    assert [each.attributes["department"] for each in site.target.accounts.values()] == ["one"]
    [case] = await site.rows("SELECT operation_id FROM cases WHERE status = 'open'")
    assert case["operation_id"] == second.id
