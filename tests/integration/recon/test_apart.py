"""Large correlations have a process of their own: it decides what this one decides, and may be lost."""

import os
import signal
from typing import Any
from uuid import UUID

import pytest

from tests.integration.recon.conftest import House
from worker.correlation import Frame
from worker.domain.correlation import PersonDecision, Verdict
from worker.domain.run import RunStatus
from worker.recon import apart, owners
from worker.store import correlation
from worker.store.tenant import tenant


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything counts as much."""
    monkeypatch.setattr(owners, "FEW_ACCOUNTS", 1)
    monkeypatch.setattr(owners, "FEW_PEOPLE", 0)
    monkeypatch.setattr(owners, "TOGETHER_APART", 100)
    monkeypatch.setattr(apart, "_PAGE", 3)
    monkeypatch.setattr(apart, "_HEED_PAGES", 1)


async def planted(house: House) -> dict[str, str]:
    """Accounts whose owner is sure, disputed, told by people, has one or is not there; uids by what they are."""
    await house.provide(*(f"{name}{n}" for n in range(3) for name in ("anna", "bert", "carla")))
    await house.reconcile()
    await house.hire("dagmar.unlinked", attributes={"given_name": "Dagmar", "family_name": "Unlinked"})
    await house.hire("twin.one", "twin.two", attributes={"mail": "twin@example.org"})
    await house.hire("refused.one", attributes={"mail": "refused@example.org"})
    told = (await house.hire("told.zoe"))["told.zoe"]
    await house.rows("DELETE FROM plan_items RETURNING 1")
    put = house.target.put
    uids = {
        "sure": put({"login": "dagmar.unlinked", "mail": "dagmar.unlinked@example.org"}),
        "disputed": put({"login": "twin", "mail": "twin@example.org"}),
        "orphan": put({"login": "zzz9q", "mail": "nobody@elsewhere.net"}),
        "second": put({"login": "anna0", "mail": "anna0@example.org"}),
        "told": put({"login": "qqq", "mail": "qqq@elsewhere.net"}),
        "refused": put({"login": "refused.one", "mail": "refused@example.org"}),
    }
    await house.reconcile()
    accounts = {row["uid"]: row["id"] for row in await house.rows("SELECT uid, id FROM accounts WHERE uid IS NOT NULL")}
    people = {row["user_name"]: row["id"] for row in await house.rows("SELECT user_name, id FROM identities")}
    said = [
        PersonDecision(accounts[uids["told"]], told, Verdict.IS),
        PersonDecision(accounts[uids["refused"]], people["refused.one"], Verdict.IS_NOT),
    ]
    async with tenant(house.pool, house.tenant_id) as conn:
        where = {"tenant_id": house.tenant_id, "connector_id": house.connector.id}
        await correlation.decide(conn, said=said, by=await house.person(), **where)
    return uids


async def found(house: House) -> dict[str, Any]:
    """Of each account what it is, and who is offered; of each open question between whom it is."""
    findings = {
        key: [each.get("identity_id") for each in row["suggested_actions"]]
        for key, row in (await house.findings()).items()
    }
    cases = {
        row["subject"]: {
            each["ref_id"]: round(each["confidence"], 3) for each in row["candidates"] if each["confidence"] > 0.01
        }
        for row in await house.rows("SELECT subject, candidates FROM cases WHERE status = 'open'")
    }
    return {"findings": findings, "cases": cases}


@pytest.mark.parametrize("per_account", [pytest.param(0, id="those who share a key"), pytest.param(10**6, id="all")])
async def test_another_process_decides_what_this_one_decides(
    house: House, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, per_account: int
) -> None:
    uids = await planted(house)
    await house.reconcile()
    here = await found(house)

    request.getfixturevalue("large")
    monkeypatch.setattr(apart, "PEOPLE_PER_ACCOUNT", per_account)
    run = await house.reconcile()

    assert run.status is RunStatus.COMPLETED
    assert await found(house) == here
    kinds = {key.partition(":")[2]: key.partition(":")[0] for key in here["findings"]}
    assert {name: kinds[uid] for name, uid in uids.items() if name != "second"} == {
        "sure": "unlinked", "disputed": "collision", "orphan": "orphan", "told": "unlinked", "refused": "orphan",
    }  # fmt: skip


async def test_delta_asks_the_other_process_as_well(house: House, large: None) -> None:
    uids = await planted(house)
    house.target.change(uids["orphan"], mail="dagmar.unlinked@example.org", login="dagmar.unlinked")

    run = await house.reconcile(mode="delta", statistics={"only": {"uids": [uids["orphan"], uids["disputed"]]}})

    assert run.status is RunStatus.COMPLETED
    assert {f"unlinked:{uids['orphan']}", f"collision:{uids['disputed']}"} <= (await house.findings()).keys()
    assert list(await house.findings("resolved")) == [f"orphan:{uids['orphan']}"]


async def test_very_many_accounts_are_decided_about_in_pieces_and_each_once(
    house: House, large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.provide("anna")
    uids = {house.target.put({"login": f"zzz{at}q"}) for at in range(7)}
    monkeypatch.setattr(owners, "TOGETHER_APART", 3)

    run = await house.reconcile()

    assert run.discrepancies_by_type == {"orphan": 7}
    assert {f"orphan:{uid}" for uid in uids} == set(await house.findings())


def ended_at(monkeypatch: pytest.MonkeyPatch, *, times: int) -> list[int]:
    """Have the process killed in the middle, so many times; the processes."""
    killed = list[int]()
    send = apart._Other.send

    async def mortal(other: apart._Other, frame: bytes) -> None:
        if frame[:1] == Frame.END.value and len(killed) < times:
            killed.append(other.pid)
            os.kill(other.pid, signal.SIGKILL)
        await send(other, frame)

    monkeypatch.setattr(apart._Other, "send", mortal)
    return killed


async def test_process_that_is_ended_is_started_anew(
    house: House, large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await planted(house)
    before = await found(house)
    killed = ended_at(monkeypatch, times=1)

    run = await house.reconcile()

    assert (run.status, len(killed)) == (RunStatus.COMPLETED, 1)
    assert (await found(house))["findings"].keys() != {}
    assert before["cases"].keys() >= (await found(house))["cases"].keys()


async def test_run_whose_process_is_ended_again_and_again_fails_in_words_and_the_next_one_finds_all(
    house: House, large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    uids = await planted(house)
    with monkeypatch.context() as patch:
        killed = ended_at(patch, times=apart.TRIES)
        run = await house.reconcile()

    assert (run.status, len(killed)) == (RunStatus.FAILED, apart.TRIES)
    assert "was ended by signal 9" in (run.error_message or "")
    assert (await house.reconcile()).status is RunStatus.COMPLETED
    assert f"orphan:{uids['orphan']}" in await house.findings()


async def test_memory_that_does_not_do_fails_the_run_in_words(
    house: House, large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.provide("anna")
    house.target.put({"login": "zzz9q", "mail": "nobody@elsewhere.net"})
    monkeypatch.setattr(apart, "MEMORY_BYTES", 1024**2)

    run = await house.reconcile()

    assert run.status is RunStatus.FAILED
    assert "GiB of memory" in (run.error_message or "")


async def test_stop_is_heard_while_people_are_carried(
    house: House, large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await planted(house)
    told = 0

    async def people_rows(*args: Any, **fields: Any) -> Any:
        nonlocal told
        told += 1
        if told == 2:
            await house.rows("UPDATE runs SET cancel_requested = true WHERE status = 'running' RETURNING 1")
        return await real(*args, **fields)

    real = correlation.people_rows
    monkeypatch.setattr(correlation, "people_rows", people_rows)

    run = await house.reconcile()

    assert (run.status, told) == (RunStatus.CANCELLED, 2)
    assert isinstance(run.id, UUID)
