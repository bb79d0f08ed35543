"""What a listing does not show counts as gone only when the listing is proven complete, and after a second look."""

from datetime import timedelta

import pytest

from tests.fakes import Faults
from tests.integration.recon.conftest import House
from worker.domain.account import TargetAccount
from worker.domain.errors import AccessRefused, TargetBusy
from worker.domain.run import Run
from worker.planning import decide_approval
from worker.store import connectors
from worker.store.tenant import tenant


async def ten_people(house: House) -> None:
    await house.provide(*(f"person{n}" for n in range(10)))
    await house.reconcile()


async def gone_or_missing(house: House) -> list[str]:
    return [key for key in await house.findings() if key.startswith(("deleted", "missing"))]


async def decide(house: House, run: Run, *, approve: bool) -> Run:
    """A person decides about what the run waits for; the run as it is left."""
    assert run.approval_id is not None
    by = await house.person()
    async with tenant(house.pool, house.tenant_id) as conn:
        await decide_approval(conn, house.tenant_id, run.approval_id, approve=approve, by=by, seen=1)
    left = await house.engine.run(await house.claim(run.id))
    assert left is not None
    return left


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        pytest.param(Faults(ends_after=1), "broke off after 8", id="no end marker"),
        pytest.param(Faults(total=25), "shows 10, but says that there are 25", id="count short of the total"),
    ],
)
async def test_listing_that_contradicts_itself_concludes_nothing(house: House, faults: Faults, reason: str) -> None:
    await ten_people(house)
    await house.hire("newcomer")
    await house.rows("DELETE FROM plan_items RETURNING 1")
    house.target.faults = faults

    run = await house.reconcile()

    assert (run.status, run.pause_reason, run.listing_complete) == ("paused", "safeguard", False)
    assert await gone_or_missing(house) == []
    approval = (await house.rows("SELECT * FROM approvals"))[0]
    assert (approval["kind"], approval["run_id"]) == ("incomplete_target", run.id)
    assert reason in approval["reason"]


async def test_emptied_target_removes_nobody_and_shows_a_sample(house: House) -> None:
    await ten_people(house)
    house.target.accounts.clear()

    run = await house.reconcile()

    assert run.status == "paused"
    assert await gone_or_missing(house) == []
    assert {row["state"] for row in await house.rows("SELECT state FROM accounts")} == {"active"}
    approval = (await house.rows("SELECT held, sample, reason FROM approvals"))[0]
    assert (approval["held"], len(approval["sample"])) == (10, 10)
    assert approval["sample"][0] == {"what": "deleted", "who": "person0", "uid": "uid-000001"}
    assert "empty" in approval["reason"]


async def test_target_that_lost_more_than_three_tenths_waits_for_a_person(house: House) -> None:
    await ten_people(house)
    for uid in list(house.target.accounts)[:4]:
        house.target.remove(uid)

    run = await house.reconcile()

    assert run.status == "paused"
    assert await gone_or_missing(house) == []


async def test_approved_listing_is_concluded_from_and_the_next_run_believes_it(house: House) -> None:
    await ten_people(house)
    for uid in list(house.target.accounts)[:4]:
        house.target.remove(uid)

    run = await decide(house, await house.reconcile(), approve=True)
    following = await house.reconcile()

    assert (run.status, run.listing_complete) == ("completed", True)
    assert len(await gone_or_missing(house)) == 4
    assert (following.status, following.statistics["new"]) == ("completed", 0)


async def test_rejected_listing_is_not_concluded_from(house: House) -> None:
    await ten_people(house)
    house.target.accounts.clear()

    run = await decide(house, await house.reconcile(), approve=False)

    assert (run.status, run.listing_complete) == ("completed", False)
    assert await gone_or_missing(house) == []


async def test_account_that_a_complete_listing_leaves_out_is_looked_for_before_it_counts_as_gone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ten_people(house)
    hidden = dict(house.target.accounts)
    house.target.remove("uid-000001")
    house.target.remove("uid-000002")

    async def get(object_class: str, uid: str) -> TargetAccount | None:
        return hidden[uid] if uid == "uid-000001" else house.target.accounts.get(uid)

    monkeypatch.setattr(house.target, "get", get)

    run = await house.reconcile()

    assert run.status == "completed"
    assert await gone_or_missing(house) == ["deleted:uid-000002"]


async def test_account_that_cannot_be_read_is_not_gone(house: House) -> None:
    await ten_people(house)
    house.target.remove("uid-000001")

    def refuse(_uid: str) -> None:
        raise AccessRefused

    house.target.faults.at_get = refuse

    run = await house.reconcile()

    assert await gone_or_missing(house) == []
    assert run.statistics["unconfirmed"] == 1


async def test_page_that_comes_twice_counts_once(house: House) -> None:
    await house.provide(*(f"person{n}" for n in range(10)))
    house.target.put({"login": "zzz9q"}, uid="orphan")
    house.target.faults.repeats = 2

    run = await house.reconcile()

    assert (run.accounts_processed, run.discrepancies_by_type) == (11, {"orphan": 1})


async def test_busy_target_is_asked_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await ten_people(house)
    refusals = iter([TargetBusy(), TargetBusy()])

    def busy(_page: int) -> None:
        for refusal in refusals:
            raise refusal

    house.target.faults.at_page = busy
    monkeypatch.setattr("worker.recon.steps.FIRST_WAIT", timedelta(0))

    run = await house.reconcile()

    assert (run.status, run.accounts_processed) == ("completed", 10)


async def test_run_that_a_target_refuses_fails_in_words(house: House) -> None:
    def refuse(_page: int) -> None:
        raise AccessRefused("This service account may not list users.")

    house.target.faults.at_page = refuse

    run = await house.reconcile()

    assert (run.status, run.error_message) == ("failed", "This service account may not list users.")


async def test_protected_accounts_are_never_found(house: House) -> None:
    await ten_people(house)
    await house.rows("UPDATE connectors SET protected_filter = 'login sw \"root\"' RETURNING 1")
    async with tenant(house.pool, house.tenant_id) as conn:
        connector = await connectors.get(conn, **house.where)
    assert connector is not None
    house.targets.add(connector, house.target)
    house.target.put({"login": "root-1"}, uid="protected")

    run = await house.reconcile()

    assert (run.discrepancies_found, run.statistics["protected"]) == (0, 1)
    assert not await house.rows("SELECT 1 FROM accounts WHERE uid = 'protected'")


async def test_target_in_maintenance_is_not_asked(house: House) -> None:
    await house.rows("UPDATE connectors SET status = 'maintenance' RETURNING 1")
    async with tenant(house.pool, house.tenant_id) as conn:
        connector = await connectors.get(conn, **house.where)
    assert connector is not None
    house.targets.add(connector, house.target)

    run = await house.reconcile()

    assert (run.status, run.error_message) == ("failed", "app is in maintenance; nothing is asked of it.")
    assert house.target.calls == []
