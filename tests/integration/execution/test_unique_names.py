"""Names that a hook offers: each account gets one that no other has, whatever happens at the same moment."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from tests.factories import registered_worker
from tests.integration.execution.conftest import LOG, Lease, Site
from worker.domain.errors import AlreadyExists, TransientError
from worker.domain.hook import HookLimits
from worker.domain.outcome import DeadLettered, Outcome, Parked, Retry, Succeeded
from worker.domain.processing import Finished
from worker.execution import Names, tidying
from worker.execution.naming import Offer
from worker.execution.tidying import HookTidying
from worker.hooks import HookExecutor
from worker.store import taken_names
from worker.store.taken_names import Where

OFFERS = """
def before_create(ctx):
    person = ctx["identity"]
    base = (person["given_name"][0] + person["family_name"]).lower()
    return {"unique": {"login": [base] + [base + str(n) for n in range(2, %d)]}}
"""


@pytest.fixture
async def named(site: Site) -> AsyncIterator[HookExecutor]:
    async with HookExecutor(workers=2, limits=HookLimits(memory_mb=64), log=LOG) as made:
        site.make(made)
        yield made


def only(finished: dict[Any, Finished]) -> Outcome:
    [one] = finished.values()
    return one.outcome


async def test_namesakes_of_one_batch_get_different_names(site: Site, named: HookExecutor) -> None:
    await site.binds(OFFERS % 6)
    for given in ("Ada", "Adam", "Abel"):
        await site.hires(given, "Moss")

    await site.run()

    assert site.logins() == ["amoss", "amoss2", "amoss3"]
    hooked = await site.rows("SELECT hooked ->> 'login' AS login FROM accounts ORDER BY 1")
    assert [row["login"] for row in hooked] == ["amoss", "amoss2", "amoss3"]


async def test_a_name_that_another_account_got_before_is_not_given_again(site: Site, named: HookExecutor) -> None:
    await site.binds(OFFERS % 6)
    await site.hires("Ada", "Moss")
    await site.run()
    await site.hires("Adam", "MOSS")

    await site.run()

    assert site.logins() == ["amoss", "amoss2"]


async def test_the_next_hook_sees_the_name_that_was_chosen(site: Site, named: HookExecutor) -> None:
    await site.binds(OFFERS % 6, name="login", position=1)
    mail = 'def before_create(ctx):\n    return {"set": {"mail": ctx["attributes"]["login"] + "@example.org"}}\n'
    await site.binds(mail, name="mail", position=2)
    for given in ("Ada", "Adam"):
        await site.hires(given, "Moss")

    await site.run()

    mails = sorted(each.attributes["mail"] for each in site.target.accounts.values())
    assert mails == ["amoss2@example.org", "amoss@example.org"]


async def test_a_name_that_only_the_target_knows_is_passed_over(site: Site, named: HookExecutor) -> None:
    await site.binds(OFFERS % 6)
    site.target.put({"login": "amoss", "given": "Zoe", "family": "Stranger"})
    site.target.put({"login": "amoss2", "given": "Zed", "family": "Stranger"})
    op_id = await site.hires("Ada", "Moss")

    outcome = only(await site.run())

    assert isinstance(outcome, Succeeded)
    assert site.logins() == ["amoss", "amoss2", "amoss3"]
    row = await site.row("SELECT hooked FROM accounts WHERE identity_id IS NOT NULL")
    assert row["hooked"]["login"] == "amoss3"
    assert await site.rows("SELECT value, iteration FROM taken_names WHERE operation_id = $1", op_id) == [("amoss3", 2)]
    assert site.target.count("create") == 1


async def test_a_name_that_the_target_calls_taken_without_showing_whose_it_is_is_passed_over(
    site: Site, named: HookExecutor
) -> None:
    await site.binds(OFFERS % 6)
    site.target.next("create", AlreadyExists())
    await site.hires("Ada", "Moss")

    assert isinstance(only(await site.run()), Succeeded)

    assert site.logins() == ["amoss2"]


async def test_when_no_name_is_left_the_dead_letter_says_what_to_do(site: Site, named: HookExecutor) -> None:
    await site.binds(OFFERS % 3, name="logins")
    site.target.put({"login": "amoss", "given": "Zoe", "family": "Stranger"})
    site.target.put({"login": "amoss2", "given": "Zed", "family": "Stranger"})
    await site.hires("Ada", "Moss")

    outcome = only(await site.run())

    assert isinstance(outcome, DeadLettered)
    assert outcome.error_code == "hook.unique_exhausted"
    assert "None of the 2 names that the hook logins (version 1) offers for login is free at app" in outcome.message
    assert len(site.target.accounts) == 2


async def test_a_later_try_has_the_same_name_though_a_better_one_has_become_free(
    site: Site, named: HookExecutor
) -> None:
    await site.binds(OFFERS % 6)
    stranger = site.target.put({"login": "amoss", "given": "Zoe", "family": "Stranger"})
    site.target.next("create", TransientError("not now"))
    await site.hires("Ada", "Moss")
    assert isinstance(only(await site.run()), Retry)
    site.target.remove(stranger)

    await site.again()

    assert site.logins() == ["amoss2"]


async def test_somebody_who_has_an_account_gets_no_second_name(site: Site, named: HookExecutor) -> None:
    """Correlation comes first: the account is theirs, and keeps its name."""
    await site.binds(OFFERS % 6)
    _, uid = await site.unowned(
        login="adamoss", given="Ada", family="Moss", employee_number="4711", mail="ada.moss@example.org"
    )
    owner = await site.person("Ada", "Moss", employee_number="4711")
    account_id = await site.account(owner)
    await site.asks("create", account_id, owner, login="x", mail="ada.moss@example.org", active=True)

    assert isinstance(only(await site.run()), Succeeded)

    assert site.logins() == ["adamoss"]
    assert site.target.accounts[uid].attributes["login"] == "adamoss"


async def test_a_name_is_free_again_when_its_operation_ended_without_effect(site: Site, named: HookExecutor) -> None:
    await site.binds(OFFERS % 6, name="login", position=1)
    skips = 'def before_create(ctx):\n    if ctx["identity"]["given_name"] == "Ada":\n        return skip("not yet")\n'
    await site.binds(skips, name="skips", position=2)
    await site.hires("Ada", "Moss")
    await site.run()
    await site.hires("Adam", "Moss")

    await site.run()

    assert site.logins() == ["amoss"]


async def test_names_that_count_no_more_are_tidied_up_and_others_stay(
    site: Site, named: HookExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.binds(OFFERS % 6, name="login", position=1)
    skips = 'def before_create(ctx):\n    if ctx["identity"]["given_name"] == "Ada":\n        return skip("not yet")\n'
    await site.binds(skips, name="skips", position=2)
    for given in ("Ada", "Adam"):
        await site.hires(given, "Moss")
    await site.run()
    await site.rows("UPDATE taken_names SET taken_at = taken_at - interval '1 day' RETURNING 1")
    tidying = HookTidying(site.pool, keep_days=30)

    first, second = await tidying.run_once(), await tidying.run_once()

    assert (first, second) == (1, 0)
    assert await site.rows("SELECT value FROM taken_names") == [("amoss2",)]


async def test_accounts_of_a_target_that_cannot_be_asked_are_read_once_a_claim(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many accounts want names, and however many of their candidates are taken."""
    await site.rows(
        "INSERT INTO accounts (tenant_id, id, connector_id, object_class, state, observed) "
        "SELECT tenant_id, gen_random_uuid(), id, 'user', 'active', jsonb_build_object('login', 'AMoss' || n) "
        "FROM connectors, generate_series(1, 12) n RETURNING id"
    )
    [(tenant_id, connector_id)] = await site.rows("SELECT tenant_id, id FROM connectors")
    reads = 0
    of_accounts = taken_names.of_accounts

    async def counted(*args: Any) -> Any:
        nonlocal reads
        reads += 1
        return await of_accounts(*args)

    monkeypatch.setattr(taken_names, "of_accounts", counted)
    candidates = tuple(f"amoss{n}" for n in range(1, 20))
    offers = [Offer(uuid4(), uuid4(), "login", candidates) for _ in range(3)]

    chosen = await Names(site.pool).choose(Where(tenant_id, connector_id, "user"), offers, is_blind=True)

    assert (chosen, reads) == (["amoss13", "amoss14", "amoss15"], 1)


async def test_names_of_one_moment_are_all_looked_at(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import takes thousands at once: what is kept of them neither hides the others nor comes again for ever."""
    monkeypatch.setattr(tidying, "BATCH", 2)
    await site.rows(
        "INSERT INTO accounts (tenant_id, id, connector_id, object_class, state, hooked) "
        "SELECT tenant_id, gen_random_uuid(), id, 'user', 'active', jsonb_build_object('login', 'kept' || n) "
        "FROM connectors, generate_series(1, 7) n RETURNING id"
    )
    insert = (
        "INSERT INTO taken_names (tenant_id, connector_id, object_class, attribute, value_hash, value, account_id,"
        " operation_id, taken_at) SELECT {}, 'user', 'login', sha256(convert_to({}, 'UTF8')), {}, {},"
        " gen_random_uuid(), date_trunc('day', now()) - interval '1 day' FROM {} RETURNING 1"
    )
    name = "hooked ->> 'login'"
    await site.rows(insert.format("tenant_id, connector_id", name, name, "id", "accounts"))
    gone = ("tenant_id, id", "'gone' || n", "'gone' || n", "gen_random_uuid()", "connectors, generate_series(1, 7) n")
    await site.rows(insert.format(*gone))

    dropped = await HookTidying(site.pool, keep_days=30).run_once()

    assert dropped == 7
    assert [row[0] for row in await site.rows("SELECT DISTINCT left(value, 4) FROM taken_names")] == ["kept"]


async def test_a_name_for_another_attribute_is_looked_up_at_the_target(site: Site, named: HookExecutor) -> None:
    offers = 'def before_create(ctx):\n    return {"unique": {"mail": ["a@example.org", "b@example.org"]}}\n'
    await site.binds(offers)
    site.target.put({"login": "zoe", "mail": "a@example.org"})
    await site.hires("Ada", "Moss")

    await site.run()

    mails = {each.attributes["login"]: each.attributes["mail"] for each in site.target.accounts.values()}
    assert mails["ada.moss"] == "b@example.org"


async def test_a_hook_may_make_its_names_of_the_iteration(site: Site, named: HookExecutor) -> None:
    login = '"amoss" + (str(ctx["iteration"]) if ctx["iteration"] else "")'
    await site.binds(f'def before_create(ctx):\n    return {{"set": {{"login": {login}}}}}\n')
    site.target.put({"login": "amoss", "given": "Zoe", "family": "Stranger"})
    site.target.put({"login": "amoss1", "given": "Zed", "family": "Stranger"})
    await site.rows(
        "INSERT INTO accounts (tenant_id, id, connector_id, object_class, uid, identity_id, state) "
        "SELECT tenant_id, gen_random_uuid(), id, 'user', 'uid-00000' || n, gen_random_uuid(), 'active' "
        "FROM connectors, generate_series(1, 2) n RETURNING id"
    )
    site.target.next("create", AlreadyExists(), AlreadyExists(), TransientError("not now"))
    await site.hires("Ada", "Moss")

    assert isinstance(only(await site.run()), Retry)
    await site.again()

    assert site.logins() == ["amoss", "amoss1", "amoss2"]
    assert site.target.count("create") == 4


async def test_a_hook_that_has_no_other_name_leaves_it_to_a_person(site: Site, named: HookExecutor) -> None:
    await site.binds('def before_create(ctx):\n    return {"set": {"department": "new"}}\n')
    await site.has()
    await site.hires("Ada", "Moss")

    outcome = only(await site.run())

    assert isinstance(outcome, Parked)
    assert outcome.case_id is not None


async def test_two_hundred_namesakes_made_by_two_workers_at_once_get_as_many_names(
    site: Site, named: HookExecutor
) -> None:
    await site.binds(OFFERS % 240)
    asked = [await site.hires(f"A{number}", "Moss") for number in range(200)]
    async with registered_worker(site.pool) as owner:
        other = replace(site, lease=Lease(owner))
        other.make(named)
        batches = [(site, await site.claim(100)), (other, await other.claim(100))]

        async def work(where: Site, claimed: list[Any]) -> list[Finished]:
            await where.executor.prepare(site.tenant_id, claimed)
            return list(await asyncio.gather(*(where.executor.process(op) for op in claimed)))

        finished = [each for part in await asyncio.gather(*(work(*each) for each in batches)) for each in part]

    assert len(finished) == len(asked)
    assert {type(each.outcome) for each in finished} == {Succeeded}
    assert sorted(site.logins()) == sorted(["amoss", *(f"amoss{number}" for number in range(2, 201))])


async def test_what_one_worker_is_about_to_give_another_does_not(
    site: Site, named: HookExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The target takes the same mail address twice and shows neither yet: only our own records keep them apart."""
    offers = 'def before_create(ctx):\n    return {"unique": {"mail": ["a@example.org", "b@example.org"]}}\n'
    await site.binds(offers)
    await site.hires("Ada", "Moss")
    [first] = await site.claim()
    await site.hires("Bo", "Zimmer")
    async with registered_worker(site.pool) as owner:
        other = replace(site, lease=Lease(owner))
        [second] = await other.claim()
        other.make(named)
        monkeypatch.setattr(site.target, "find", _nothing)
        await site.executor.prepare(site.tenant_id, [first])
        await other.executor.prepare(site.tenant_id, [second])

        await asyncio.gather(site.executor.process(first), other.executor.process(second))

    mails = sorted(each.attributes["mail"] for each in site.target.accounts.values())
    assert mails == ["a@example.org", "b@example.org"]


async def _nothing(*_: object) -> list[Any]:
    return []
