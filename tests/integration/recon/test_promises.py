"""What runs promise: rehearsals come true, quiet runs write nothing, the gone were looked for, nobody is renamed."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.integration.recon.conftest import House, a_house
from tests.integration.recon.crashes import Twins
from worker.domain.connector import Limits
from worker.domain.run import PauseReason, RunStatus
from worker.store.pool import Pool

PEOPLE = 8
SETTINGS = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

#: What happens to one account behind our back.
FATES = st.sampled_from(["stays", "stays", "moves", "is renamed", "loses its mail", "is off", "is gone"])
POLICIES = st.fixed_dictionaries(
    {},
    optional={
        "mismatch": st.sampled_from(["update"]),
        "unlinked": st.sampled_from(["link", "delete"]),
        "orphan": st.sampled_from(["delete"]),
        "deleted": st.sampled_from(["create", "unlink", "inactivate_identity"]),
        "missing": st.sampled_from(["create"]),
        "collision": st.sampled_from(["link"]),
    },
)


def befall(house: House, uid: str, fate: str) -> None:
    match fate:
        case "moves":
            house.target.change(uid, department="Elsewhere")
        case "is renamed":
            house.target.change(uid, login=f"old.{uid}")
        case "loses its mail":
            house.target.change(uid, mail=None)
        case "is off":
            house.target.change(uid, active=False)
        case "is gone":
            house.target.remove(uid)


@pytest.fixture
async def admin(database: Any) -> AsyncIterator["asyncpg.Connection[Any]"]:
    conn = await asyncpg.connect(database.admin_dsn)
    yield conn
    await conn.close()


@pytest.fixture
async def twins(pool: Pool, admin: "asyncpg.Connection[Any]", tenant_id: UUID) -> Twins:
    """Of a house where all is as wanted, and people wait who have no account yet."""
    house = await a_house(pool, tenant_id)
    await house.provide(*(f"person{n}" for n in range(PEOPLE)))
    await house.reconcile()
    await house.hire("newcomer", "dagmar.unlinked", "erik.unlinked")
    await house.hire("twin.one", "twin.two", attributes={"mail": "twin@example.org"})
    await house.rows("DELETE FROM plan_items RETURNING 1")
    return Twins(admin, house)


async def changes(house: House) -> list[dict[str, Any]]:
    """What a run did, or would do, with before and after."""
    return await house.rows(
        "SELECT d.finding_key, a.action_type, a.direction, a.details FROM recon_actions a JOIN discrepancies d "
        "ON d.id = a.discrepancy_id ORDER BY d.finding_key, a.action_type"
    )


@settings(SETTINGS, max_examples=25)
@given(
    fates=st.lists(FATES, min_size=PEOPLE, max_size=PEOPLE),
    strangers=st.sets(st.sampled_from(["zz.nobody", "dagmar.unlinked", "erik.unlinked", "twin"])),
    policy=POLICIES,
)
async def test_dry_run_lists_the_changes_that_the_real_run_makes(
    twins: Twins, fates: list[str], strangers: set[str], policy: dict[str, str]
) -> None:
    assume(fates.count("is gone") <= PEOPLE // 4)  # a listing that is much too short is not concluded from
    house = await twins.another()
    await house.rows("UPDATE connectors SET policy = $1 RETURNING 1", policy)
    for uid, fate in zip(list(house.target.accounts), fates, strict=True):
        befall(house, uid, fate)
    for name in sorted(strangers):
        house.target.put({"login": name, "mail": f"{name}@example.org"}, uid=f"found-{name}")

    rehearsal = await house.reconcile(dry_run=True)
    proposed = await changes(house)
    assert not await house.rows("SELECT 1 FROM operations UNION ALL SELECT 1 FROM plan_items")
    await house.rows("DELETE FROM recon_actions RETURNING 1")
    real = await house.reconcile()

    assert await changes(house) == proposed
    assert (rehearsal.items_total, rehearsal.items_success) == (real.items_total, real.items_success)


async def test_unchanged_run_writes_no_identity_and_no_account_by_the_statistics_of_the_server(
    pool: Pool, admin: "asyncpg.Connection[Any]", tenant_id: UUID
) -> None:
    house = await a_house(pool, tenant_id)
    await house.provide(*(f"person{n}" for n in range(30)))
    house.target.change("uid-000003", department="Wrong")
    house.target.put({"login": "zz9q"}, uid="orphan")
    await house.reconcile()
    await house.reconcile()
    before = await _written(pool, admin)

    run = await house.reconcile()

    assert run.accounts_processed == 31
    after = await _written(pool, admin)
    assert {name: after[name] for name in ("accounts", "identities")} == {
        name: before[name] for name in ("accounts", "identities")
    }
    assert after["runs"] > before["runs"]


async def _written(pool: Pool, admin: "asyncpg.Connection[Any]") -> dict[str, int]:
    """Rows inserted, updated and deleted so far, by table: a backend tells its numbers when it ends at the latest."""
    await pool.expire_connections()
    async with pool.acquire() as conn:
        await conn.execute("SELECT 1")
    await admin.execute("SELECT pg_stat_clear_snapshot()")
    rows = await admin.fetch("SELECT relname, n_tup_ins + n_tup_upd + n_tup_del AS n FROM pg_stat_user_tables")
    return {row["relname"]: row["n"] for row in rows}


@pytest.mark.timeout(120)
async def test_a_thousand_vanished_accounts_are_each_looked_for_and_then_a_person_is_asked(
    pool: Pool, tenant_id: UUID
) -> None:
    house = await a_house(pool, tenant_id, policy={"deleted": "create"}, limits=Limits(page_size=500, concurrency=50))
    await house.provide(*(f"person{n}" for n in range(3_500)))
    await house.reconcile()
    vanished = list(house.target.accounts)[:1_000]
    for uid in vanished:
        house.target.remove(uid)
    house.target.calls.clear()

    run = await house.reconcile()

    found = await house.findings()
    assert sorted(found) == sorted(f"deleted:{uid}" for uid in vanished)
    assert Counter(uid for call, uid in house.target.calls if call == "get") == Counter(vanished)
    assert (run.status, run.pause_reason) == (RunStatus.PAUSED, PauseReason.SAFEGUARD)
    assert not await house.rows("SELECT 1 FROM operations UNION ALL SELECT 1 FROM plan_items")


@settings(SETTINGS, max_examples=20)
@given(
    login=st.text("abcdefgh.-_0123456789", min_size=1, max_size=20),
    who=st.sampled_from(["dagmar.unlinked", "newcomer"]),
)
async def test_match_by_mail_renames_nobody(twins: Twins, login: str, who: str) -> None:
    house = await twins.another()
    await house.rows('UPDATE connectors SET policy = \'{"unlinked": "link", "mismatch": "update"}\' RETURNING 1')
    names = await house.rows("SELECT id, external_id, user_name FROM identities ORDER BY id")
    house.target.put({"login": login, "mail": f"{who}@example.org"}, uid="found")

    for _ in range(2):
        await house.reconcile()
        await house.plan()

    assert await house.rows("SELECT id, external_id, user_name FROM identities ORDER BY id") == names
    renaming = await house.rows(
        "SELECT o.payload FROM operations o JOIN accounts a ON a.id = o.account_id WHERE a.uid = 'found' "
        "AND o.payload -> 'attributes' ? 'login'"
    )
    assert not renaming
