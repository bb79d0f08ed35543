"""Whatever a listing does wrong: nobody counts as gone who is there, and no more is removed than is allowed."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes import MemoryTarget
from tests.integration.recon.conftest import House, a_house
from tests.integration.recon.crashes import Twins
from worker.connectors import Page
from worker.domain.account import TargetAccount
from worker.domain.connector import Limits
from worker.domain.errors import ListingChanged
from worker.domain.run import Run, RunStatus
from worker.recon import report
from worker.safeguard import threshold
from worker.store.pool import Pool
from worker.store.tenant import tenant

PEOPLE = 40
EXAMPLES = 40
#: The harshest that a policy can be.
POLICY = {"orphan": "delete", "mismatch": "update", "unlinked": "link", "deleted": "inactivate_identity"}


class Unreliable(MemoryTarget):
    """A target that lists what it has as ``mishap`` has it; what it is asked for one by one it answers rightly.

    A mishap is its name and two numbers: at which page it happens, and how often or of how many.
    """

    mishap: tuple[str, int, int] = ("none", 0, 1)
    was_reset: int = 0

    async def search(self, object_class: str, *, token: str | None, page_size: int) -> Page:
        kind, at, often = self.mishap
        shown = list(self.accounts.values())
        if kind == "filtered":
            shown = [each for n, each in enumerate(shown) if n % (often + 1) != at % (often + 1)]
        elif kind == "emptied":
            shown = []
        start = int((token or "0").partition(".")[0])
        number, follows = start // page_size, start + page_size
        found, is_last = tuple(shown[start:follows]), follows >= len(shown)
        if number == at:
            if kind == "cut":
                return Page(found)
            if kind == "cut and called whole":
                return Page(found, None, is_last=True)
            if kind == "stuck":
                return Page(found, token or str(start))
            if kind == "reset" and self.was_reset < often:
                self.was_reset += 1
                raise ListingChanged
        if kind == "twice" and number >= at and "." not in (token or "") and not is_last:
            return Page(found, f"{start}.again")
        return Page(found, None if is_last else str(follows), is_last)


def spoil(target: MemoryTarget, kind: str, *, key: str = "login", renamed_to: str = "userid") -> None:
    """What a target does to all of its accounts at once."""
    for uid, each in list(target.accounts.items()):
        if kind == "all inactive":
            target.accounts[uid] = TargetAccount(uid, each.attributes, active=False)
        elif kind == "other ids":
            del target.accounts[uid]
            target.accounts[f"new-{uid}"] = TargetAccount(f"new-{uid}", each.attributes, each.active)
        elif kind == "renamed attribute":
            renamed = {renamed_to if name == key else name: value for name, value in each.attributes.items()}
            target.accounts[uid] = TargetAccount(uid, renamed, each.active)


LISTED = "none", "cut", "cut and called whole", "stuck", "reset", "twice", "filtered", "emptied"
CHANGED = "all inactive", "other ids", "renamed attribute"
MISHAPS = st.tuples(st.sampled_from([*LISTED, *CHANGED]), st.integers(0, 9), st.integers(1, 8))


@pytest.fixture
async def twins(pool: Pool, database: Any) -> AsyncIterator[Twins]:
    """Of a house whose accounts are all as wanted, and were when the last run looked."""
    tenant_id = uuid4()
    async with pool.acquire() as conn:
        await conn.execute("INSERT INTO tenants (id, name) VALUES ($1, $2)", tenant_id, str(tenant_id))
    house = await a_house(pool, tenant_id, policy=POLICY, target=Unreliable())
    await house.provide(*(f"person{n}" for n in range(PEOPLE)))
    await house.reconcile()
    admin = await asyncpg.connect(database.admin_dsn)
    yield Twins(admin, house)
    await admin.close()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mishap=MISHAPS, left=st.integers(0, 14), runs=st.integers(1, 2))
async def test_no_listing_makes_anybody_gone_who_is_there_or_removes_more_than_is_allowed(
    twins: Twins, mishap: tuple[str, int, int], left: int, runs: int
) -> None:
    house = await twins.another()
    target = house.target
    assert isinstance(target, Unreliable)
    for uid in list(target.accounts)[:left]:
        target.remove(uid)
    spoil(target, mishap[0])
    target.mishap = mishap

    for _ in range(runs):
        run = await house.reconcile()
        await _is_harmless(house, run)
        if run.status is RunStatus.PAUSED:
            break


async def _is_harmless(house: House, run: Run) -> None:
    deleted = await house.rows("SELECT external_uid AS uid FROM discrepancies WHERE discrepancy_type = 'deleted'")
    missing = await house.rows("SELECT 1 FROM discrepancies WHERE discrepancy_type = 'missing'")
    removals = await house.rows(
        "SELECT 1 FROM operations WHERE approval_id IS NULL AND (operation_type IN ('delete', 'disable') "
        "OR payload -> 'active' = 'false')"
    )
    inactive = await house.rows("SELECT 1 FROM identities WHERE NOT active")

    assert not {each["uid"] for each in deleted} & house.target.accounts.keys()
    assert not missing, "everybody has, or had, an account"
    assert len(removals) + len(inactive) <= threshold(PEOPLE)
    if not run.listing_complete:
        assert not deleted


async def test_one_object_that_cannot_be_judged_keeps_no_other_from_it_and_is_not_gone(
    pool: Pool, tenant_id: UUID
) -> None:
    house = await a_house(pool, tenant_id, policy=POLICY)
    await house.provide(*(f"person{n}" for n in range(6)))
    house.target.change("uid-000001", department="Elsewhere")
    await house.reconcile()
    await house.carry_out()
    house.target.change("uid-000001", department="Elsewhere")
    house.target.change("uid-000002", department={1: "no", "key": "of JSON"})
    house.target.change("uid-000003", department="Wrong")

    run = await house.reconcile(dry_run=True)

    assert (run.status, run.statistics["accounts_unjudged"]) == (RunStatus.COMPLETED, 1)
    assert [each["uid"] for each in run.statistics["spoilt"]] == ["uid-000002"]
    assert sorted(await house.findings()) == ["mismatch:uid-000001", "mismatch:uid-000003"]
    async with tenant(pool, tenant_id) as conn:
        told = await report(conn, run)
    assert "1 accounts could not be judged" in told["notes"][0]


async def test_what_fails_for_all_objects_fails_the_run(
    pool: Pool, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await a_house(pool, tenant_id, limits=Limits(page_size=50))
    await house.provide(*(f"person{n}" for n in range(12)))

    def fail(*_: object, **__: object) -> None:
        raise KeyError("a mistake of ours")

    monkeypatch.setattr("worker.recon.classify.must_be_written", fail)
    with pytest.raises(KeyError):
        await house.reconcile()

    assert [each["status"] for each in await house.rows("SELECT status FROM runs")] == ["failed"]
