"""A run killed anywhere and taken up again equals one that was not; a stale process changes nothing."""

from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.integration.recon.conftest import House, a_house
from worker.connectors import Page
from worker.domain.errors import LeaseLost
from worker.domain.run import RunStatus
from worker.store import runs
from worker.store.pool import Pool
from worker.store.runs import Progress
from worker.store.tenant import tenant

POLICY = {"mismatch": "update", "unlinked": "link", "deleted": "create", "orphan": "delete"}


async def a_scene(pool: Pool) -> House:
    """A tenant of its own with ten accounts in three pages and one of each discrepancy but a missing one."""
    tenant_id = uuid4()
    async with pool.acquire() as conn:
        await conn.execute("INSERT INTO tenants (id, name) VALUES ($1, $2)", tenant_id, str(tenant_id))
    house = await a_house(pool, tenant_id, policy=POLICY)
    await house.provide(*(f"person{n}" for n in range(10)))
    house.target.change("uid-000002", department="Wrong")
    house.target.remove("uid-000005")
    house.target.put({"login": "zzz9q", "mail": "nobody@elsewhere.net"}, uid="orphan")
    await house.hire("dagmar.unlinked")
    house.target.put({"login": "dagmar.unlinked", "mail": "dagmar.unlinked@example.org"}, uid="unlinked")
    await house.hire("twin.one", "twin.two", attributes={"mail": "twin@example.org"})
    house.target.put({"login": "twin", "mail": "twin@example.org"}, uid="collision")
    await house.hire("newcomer")
    await house.rows("DELETE FROM plan_items RETURNING 1")
    return house


async def what_is_known(house: House) -> dict[str, Any]:
    """Everything a run leaves, without ids and times."""
    return {
        "discrepancies": await house.rows(
            "SELECT d.finding_key, discrepancy_type, i.user_name, d.external_uid, d.attributes, resolution_status, "
            "resolved_action, occurrences, d.explanation, d.state_hash FROM discrepancies d LEFT JOIN identities i "
            "ON i.id = d.identity_id WHERE discrepancy_type <> 'missing' ORDER BY finding_key"
        ),
        "missing": await house.rows(
            "SELECT i.user_name, resolution_status, occurrences FROM discrepancies d JOIN identities i "
            "ON i.id = d.identity_id WHERE discrepancy_type = 'missing' ORDER BY 1"
        ),
        "accounts": await house.rows(
            "SELECT a.uid, i.user_name, a.state, a.observed, a.observed_hash, a.agreed_hash IS NULL AS differs, "
            "a.live, a.gone_at IS NULL AS is_there, a.match IS NULL AS is_own FROM accounts a "
            "LEFT JOIN identities i ON i.id = a.identity_id ORDER BY a.uid, i.user_name"
        ),
        "keys": await house.rows("SELECT kind, hash FROM match_keys ORDER BY 1, 2"),
        "operations": await house.rows(
            "SELECT operation_type, target_uid, payload, origin, status FROM operations ORDER BY 1, 2"
        ),
        "plans": await house.rows(
            "SELECT i.user_name, p.origin FROM plan_items p JOIN identities i ON i.id = p.identity_id ORDER BY 1"
        ),
        "cases": await house.rows(
            "SELECT a.uid, c.status FROM cases c LEFT JOIN accounts a ON a.id = c.account_id ORDER BY 1"
        ),
        "actions": await house.rows(
            "SELECT action_type, direction, result, dry_run FROM recon_actions ORDER BY 1, 2, 3"
        ),
        "run": await house.rows(
            "SELECT status, accounts_processed, accounts_total, discrepancies_found, discrepancies_by_type, "
            "items_total, items_success, items_error, listing_complete, statistics ->> 'new' AS new "
            "FROM runs ORDER BY id"
        ),
        "checkpoints": await house.rows("SELECT page FROM run_checkpoints"),
    }


async def test_stale_process_changes_nothing_and_hears_of_it(house: House) -> None:
    await house.provide(*(f"person{n}" for n in range(6)))
    stale = await house.start()
    await house.die(stale)
    await house.claim(stale.id)
    before = await what_is_known(house)

    assert await house.engine.run(stale) is None

    assert await what_is_known(house) == before
    async with tenant(house.pool, house.tenant_id) as conn:
        for write in (
            runs.advance(conn, stale, Progress(processed=1)),
            runs.finish(conn, stale, status=RunStatus.COMPLETED),
        ):
            with pytest.raises(LeaseLost):
                await write


async def test_living_process_keeps_its_run(house: House) -> None:
    run = await house.start()

    async with tenant(house.pool, house.tenant_id) as conn:
        taken = await runs.claim(conn, tenant_id=house.tenant_id, run_id=run.id, owner=uuid4())

    assert taken is None
    assert await house.rows("SELECT 1 FROM due_work WHERE kind = 'run'")


async def test_pause_cancel_and_shutdown_are_heeded_between_pages(house: House) -> None:
    await house.provide(*(f"person{n}" for n in range(10)))
    run = await house.start()
    async with tenant(house.pool, house.tenant_id) as conn:
        await runs.request_pause(conn, tenant_id=house.tenant_id, run_id=run.id)
    paused = await house.engine.run(run)
    async with tenant(house.pool, house.tenant_id) as conn:
        await runs.resume(conn, tenant_id=house.tenant_id, run_id=run.id)
    house.stop.set()
    shut_down = await house.engine.run(await house.claim(run.id))
    house.stop.clear()
    again = await house.claim(run.id)
    async with tenant(house.pool, house.tenant_id) as conn:
        await runs.request_cancel(conn, tenant_id=house.tenant_id, run_id=run.id)
    cancelled = await house.engine.run(again)

    states = [(each.status, each.pause_reason) for each in (paused, shut_down, cancelled) if each is not None]
    assert states == [("paused", "person"), ("paused", "shutdown"), ("cancelled", None)]
    assert not await house.rows("SELECT 1 FROM due_work WHERE kind = 'run'")


async def test_run_survives_the_loss_of_every_connection(
    pool: Pool, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await a_scene(pool)
    await whole.reconcile()
    expected = await what_is_known(whole)
    house = await a_scene(pool)
    monkeypatch.setattr("worker.recon.engine.AFTER_INTERRUPTION_S", 0)
    admin = await asyncpg.connect(database.admin_dsn)
    lost: list[int] = []
    search = house.target.search

    async def search_after_a_cut(object_class: str, *, token: str | None, page_size: int) -> Page:
        if token is not None and not lost:
            lost.extend(
                row["pid"]
                for row in await admin.fetch(
                    "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        return await search(object_class, token=token, page_size=page_size)

    monkeypatch.setattr(house.target, "search", search_after_a_cut)
    await house.engine.run(await house.start())
    await admin.close()

    assert lost
    assert await what_is_known(house) == expected
