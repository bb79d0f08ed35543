"""What was read before a try: how long it holds, and what becomes of a try that cannot be read for."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from tests.integration.execution.conftest import HANGS, Site
from tests.waiting import eventually
from worker.connectors import ObjectSchema, Target
from worker.domain.connector import Limits
from worker.domain.correlation import PersonDecision, Verdict
from worker.domain.errors import ConnectorError, NotFound, SettingsError, TargetTimeout, TargetUnavailable
from worker.domain.operation import WaitReason
from worker.domain.outcome import Outcome, Parked, Released, Retry, Succeeded
from worker.domain.processing import Finished
from worker.execution import candidates, executor, work
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant


def only(finished: dict[Any, Finished]) -> Outcome:
    [one] = finished.values()
    return one.outcome


@pytest.fixture
async def lent(database: Any) -> AsyncIterator[Pool]:
    """A second pool, for an executor whose database goes away while the rest of the test has its own."""
    opened = await open_pool(database.daemon_dsn, size=2)
    yield opened
    await opened.close()


async def states(site: Site) -> list[tuple[str, int, int]]:
    rows = await site.rows("SELECT status, attempt_number, retry_count FROM operations ORDER BY id")
    return [tuple(row) for row in rows]


@pytest.mark.parametrize(
    ("holds_s", "logins"),
    [
        pytest.param(0.0, ["ada.moss", "amoss"], id="read again"),
        pytest.param(3600.0, ["amoss"], id="as it was read"),
    ],
)
async def test_what_waited_for_long_is_read_again_before_it_is_tried(
    site: Site, monkeypatch: pytest.MonkeyPatch, holds_s: float, logins: list[str]
) -> None:
    """A person said in the meantime that the account is not theirs."""
    record, _ = await site.unowned(login="amoss", mail="ada.moss@example.org", given="Ada", family="Moss")
    await site.hires("Ada", "Moss")
    owner = (await site.row("SELECT user_id FROM operations"))["user_id"]
    monkeypatch.setattr(executor, "PREPARED_S", holds_s)

    async def decide() -> None:
        await site.decided(PersonDecision(record, owner, Verdict.IS_NOT))

    await site.run(between=decide)

    assert site.logins() == logins


async def test_all_that_a_batch_needs_is_read_in_one_transaction(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hooks and mapping, too, when it is time to read them again: the target waits for each way to the database."""
    opened: list[UUID] = []

    def counted(pool: Pool, tenant_id: UUID) -> Any:
        opened.append(tenant_id)
        return tenant(pool, tenant_id)

    monkeypatch.setattr(work, "tenant", counted)
    owner = await site.person("Ada", "Moss")
    account = await site.account(owner, uid="u1")
    await site.asks("update", account, owner, mail="ada@example.org")
    claimed = await site.claim()

    await site.executor.prepare(site.tenant_id, claimed)

    assert opened == [site.tenant_id]
    assert len(site.executor._prepared) == len(claimed) == 1


async def test_nothing_that_was_read_stays_behind(site: Site) -> None:
    """What is given back unstarted is never asked for again, and is forgotten when its time is over."""
    for number in range(3):
        await site.hires("Ada", f"Moss{number}")
    claimed = await site.claim()
    await site.executor.prepare(site.tenant_id, claimed)

    await site.executor.process(claimed[0])

    assert set(site.executor._prepared) == {op.id for op in claimed[1:]}


async def test_what_nobody_prepared_is_read_by_its_own_try(site: Site) -> None:
    await site.hires("Ada", "Moss")

    assert isinstance(only(await site.run(is_prepared=False)), Succeeded)

    assert site.logins() == ["ada.moss"]


async def test_an_operation_without_its_account_goes_back_unstarted(site: Site) -> None:
    await site.hires("Ada", "Moss")
    claimed = await site.claim()
    await site.rows("DELETE FROM accounts RETURNING id")

    finished = await site.executor.process(claimed[0])

    assert finished.outcome == Released()


@pytest.mark.parametrize("is_prepared", [True, False], ids=["rules", "account"])
async def test_without_a_database_to_read_from_it_goes_back_unstarted_and_spends_no_try(
    site: Site, lent: Pool, monkeypatch: pytest.MonkeyPatch, is_prepared: bool
) -> None:
    monkeypatch.setattr(work, "FRESH_S", 0.0)
    await site.hires("Ada", "Moss")
    own, site.pool = site.pool, lent
    site.make()
    site.pool = own

    async def close() -> None:
        await lent.close()

    outcome = only(await site.run(between=close, is_prepared=is_prepared))

    assert outcome == Released()
    assert await states(site) == [("pending", 0, 0)]
    assert site.target.calls == []


async def test_a_database_that_goes_away_in_the_middle_spends_no_try(
    site: Site, lent: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of the try stays, for by then something may have reached the target."""
    monkeypatch.setattr(candidates, "KEYS_FRESH_S", 0.0)
    await site.unowned(login="amoss", mail="ada.moss@example.org", given="Ada", family="Moss")
    await site.hires("Ada", "Moss")
    own, site.pool = site.pool, lent
    site.make()
    site.pool = own

    async def close() -> None:
        await lent.close()

    outcome = only(await site.run(between=close))

    assert outcome == Released(was_started=True)
    assert await states(site) == [("pending", 1, 0)]


async def test_a_batch_that_cannot_be_read_is_prepared_by_nobody(site: Site, lent: Pool) -> None:
    await site.hires("Ada", "Moss")
    own, site.pool = site.pool, lent
    made = site.make()
    site.pool = own
    claimed = await site.claim()
    await lent.close()

    with pytest.raises(Exception, match="pool is closed"):
        await made.prepare(site.tenant_id, claimed)


@pytest.mark.parametrize(
    "error", [SettingsError("No such key."), NotFound("It was removed.")], ids=["settings", "removed"]
)
async def test_a_target_that_cannot_be_used_any_more_waits_and_spends_no_try(site: Site, error: Exception) -> None:
    await site.hires("Ada", "Moss")

    async def refuse() -> None:
        site.targets.refuses = error

    outcome = only(await site.run(between=refuse))

    assert isinstance(outcome, Parked)
    assert (outcome.reason, outcome.message) == (WaitReason.TARGET_DOWN, str(error))
    assert [(status, spent) for status, _, spent in await states(site)] == [("awaiting_system", 0)]


@pytest.mark.parametrize("is_prepared", [True, False], ids=["prepared", "not prepared"])
async def test_a_target_that_cannot_even_be_asked_what_it_has_counts_as_sick(
    site: Site, monkeypatch: pytest.MonkeyPatch, is_prepared: bool
) -> None:
    async def away(object_class: str) -> ObjectSchema:
        del object_class
        raise TargetUnavailable

    monkeypatch.setattr(site.target, "schema", away)
    await site.hires("Ada", "Moss")

    outcome = only(await site.run(is_prepared=is_prepared))

    assert isinstance(outcome, Parked)
    assert [type(each) for each in site.targets.reports] == [TargetUnavailable]


async def test_how_a_try_ended_stands_though_the_breaker_cannot_be_told(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(target: Target, error: ConnectorError | None) -> None:
        del target, error
        raise OSError("the database is away")

    monkeypatch.setattr(site.targets, "report", away)
    await site.hires("Ada", "Moss")
    site.target.next("create", TargetUnavailable())

    first = only(await site.run())
    await site.rows("UPDATE operations SET status = 'pending', wait_reason = NULL, next_retry_at = NULL RETURNING id")
    second = only(await site.run())

    assert (type(first), type(second)) == (Parked, Succeeded)


async def test_our_own_bug_in_a_try_is_retried_and_says_no_more_than_its_kind(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(object_class: str) -> ObjectSchema:
        del object_class
        raise KeyError("secret value")

    await site.hires("Ada", "Moss")
    target = await site.targets.get(site.tenant_id, site.connector.id)
    monkeypatch.setattr(target.guard, "schema", broken)

    outcome = only(await site.run())

    assert isinstance(outcome, Retry)
    assert (outcome.error_code, "secret" in outcome.message) == ("internal_error", False)


async def test_at_a_target_whose_schema_hangs_nobody_waits_for_anybody_else(site: Site) -> None:
    """Each call there has its own deadline, beginning with the others': and another target's go on meanwhile."""
    other = await site.beside("other")
    site.targets.add(site.connector, site.target, limits=Limits(concurrency=4, deadline_s=2.0))
    for number in range(4):
        await site.hires("Ada", f"Moss{number}")
    await other.hires("Bo", "Reed")
    hanging, passing = await site.claim(), await other.claim()
    guard = (await site.targets.get(site.tenant_id, site.connector.id)).guard
    site.target.next("schema", *[HANGS] * 16)

    trying = [asyncio.create_task(site.executor.process(op)) for op in hanging]
    await eventually(lambda: guard.calls == (4, 0))
    (passed,) = [await site.executor.process(op) for op in passing]
    at_work = [not each.done() for each in trying]
    finished = await asyncio.gather(*trying)

    assert isinstance(passed.outcome, Succeeded)
    assert at_work == [True] * 4
    assert [each.outcome for each in finished] == [
        Parked(WaitReason.TARGET_DOWN, str(TargetTimeout()), error_code="target_timeout")
    ] * 4
