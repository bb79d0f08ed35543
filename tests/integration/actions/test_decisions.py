"""Approvals, findings, connectors and bulk retry, as people use them."""

from dataclasses import replace

import pytest

from tests.factories import a_connector
from tests.integration.actions.conftest import Works
from worker.actions import Expiry, approvals, bulk, connectors, findings, operations, runs
from worker.domain.errors import Forbidden, InvalidRequest, NotFound, WrongState
from worker.domain.ids import uuid7
from worker.domain.operation import NewOperation, OperationStatus, OperationType, Origin
from worker.domain.run import RunMode
from worker.recon import Wish
from worker.security import Role
from worker.store import due_work, listings
from worker.store.listings import OperationQuery
from worker.store.tenant import tenant


@pytest.fixture
async def held(works: Works) -> Works:
    """Twelve accounts, all of which a batch of Ada's wants to remove; two of them are held."""
    await works.reconcile()
    await works.hire(*((f"G{n}", f"F{n}", f"p{n:02}@example.org") for n in range(12)))
    await works.work()
    accounts = await works.rows("SELECT id, uid, identity_id FROM accounts ORDER BY id")
    made = [
        NewOperation(
            connector_id=works.connector.id,
            account_id=row["id"],
            operation_type=OperationType.DELETE,
            object_class="user",
            payload={"attributes": {}},
            origin=Origin.EVENT,
            user_id=row["identity_id"],
            target_uid=row["uid"],
            created_by=works.operator.id,
        )
        for row in accounts
    ]
    async with tenant(works.house.pool, works.tenant_id) as conn:
        await works.house.acceptance.accept(
            conn, tenant_id=works.tenant_id, operations=made, run_id=None, reason="A source lost them."
        )
    return works


async def test_approved_removals_go_to_the_target(held: Works) -> None:
    approval_id = await held.value("SELECT id FROM approvals WHERE status = 'open'")

    decided = await approvals.decide(held.house, held.operator, approval_id=approval_id, approve=True, seen=1)
    await held.work()

    assert decided.released == 2
    assert await held.logins() == []


async def test_rejected_removals_are_cancelled_and_decided_once(held: Works) -> None:
    approval_id = await held.value("SELECT id FROM approvals WHERE status = 'open'")

    decided = await approvals.decide(held.house, held.operator, approval_id=approval_id, approve=False, notes="no")
    await held.work()

    assert decided.cancelled == 2
    assert len(await held.logins()) == 2
    with pytest.raises(WrongState):
        await approvals.decide(held.house, held.second, approval_id=approval_id, approve=True, seen=1)


async def test_two_persons_means_not_who_asked(held: Works) -> None:
    house = replace(held.house, two_person_approval=True)
    approval_id = await held.value("SELECT id FROM approvals WHERE status = 'open'")

    with pytest.raises(Forbidden):
        await approvals.decide(house, held.operator, approval_id=approval_id, approve=True, seen=1)
    decided = await approvals.decide(house, held.second, approval_id=approval_id, approve=True, seen=1)

    assert decided.released == 2


async def test_what_nobody_decides_in_time_is_rejected_and_told(held: Works) -> None:
    expiry = Expiry(held.house)
    early = await expiry.run_once()
    await held.rows("UPDATE approvals SET asked_at = asked_at - interval '8 days'")

    late = await expiry.run_once()
    again = await expiry.run_once()

    assert (early.approvals, late.approvals, late.cancelled, again.approvals) == (0, 1, 2, 0)
    assert await held.rows("SELECT status, held, notes FROM approvals") == [
        ("expired", 2, "Nobody decided it within 7 days.")
    ]
    assert await held.rows(
        "SELECT p.kind, p.name, a.details ->> 'cancelled' FROM audit a JOIN principals p ON p.id = a.actor_id "
        "WHERE a.action = 'approval.expire'"
    ) == [("system", "safeguard", "2")]
    assert await held.value("SELECT count(*) FROM operations_archive WHERE status = 'cancelled'") == 2


async def test_an_approval_that_nothing_waits_for_is_closed(held: Works) -> None:
    for row in await held.rows("SELECT id FROM operations WHERE wait_reason = 'approval'"):
        await operations.cancel(held.house, held.operator, operation_id=row["id"])

    closed = await Expiry(held.house).run_once()

    assert (closed.approvals, closed.cancelled) == (1, 0)
    assert await held.rows("SELECT status, held, notes FROM approvals") == [
        ("expired", 0, "Nothing waits for it any more.")
    ]


async def test_findings_are_repaired_ignored_and_taken_back(works: Works) -> None:
    await works.table.execute("INSERT INTO people (login, mail) VALUES ('zz9', 'zz9@nowhere.example')")
    await works.reconcile()
    found = await works.value("SELECT id FROM discrepancies")
    where = {"connector_id": works.connector.id}

    ignored = await findings.ignore(works.house, works.operator, ids=[found], reason="a robot", **where)
    skipped = await findings.remediate(works.house, works.operator, wishes=[Wish(found)], **where)
    await findings.undo(works.house, works.operator, discrepancy_id=found, **where)

    assert ignored == [found]
    assert [one.result for one in skipped.results] == ["skipped"]
    assert await works.value("SELECT resolution_status FROM discrepancies") == "pending"
    with pytest.raises(NotFound):
        await findings.ignore(works.house, works.operator, ids=[uuid7()], reason="which?", **where)
    with pytest.raises(InvalidRequest):
        await findings.remediate(works.house, works.operator, wishes=[], **where)


async def test_maintenance_holds_operations_back_and_shows_why(works: Works) -> None:
    await works.reconcile()
    await connectors.set_maintenance(works.house, works.operator, connector_id=works.connector.id, on=True)
    await works.hire(("Kim", "Berg", "kim@example.org"))

    async with tenant(works.house.pool, works.tenant_id) as conn:
        shown = await listings.operations(conn, works.tenant_id, where=OperationQuery(), limit=5)
    await connectors.set_maintenance(works.house, works.operator, connector_id=works.connector.id, on=False)
    await works.work()

    assert [(row["status"], row["wait_reason"]) for row in shown] == [("awaiting_system", "maintenance")]
    assert await works.logins() == [("kim", True)]
    with pytest.raises(Forbidden):
        await connectors.set_active(works.house, works.operator, connector_id=works.connector.id, on=False)


async def test_nobody_starts_a_run_of_a_target_in_maintenance(works: Works) -> None:
    where = {"connector_id": works.connector.id}
    await connectors.set_maintenance(works.house, works.operator, on=True, **where)

    with pytest.raises(WrongState, match="app is in maintenance"):
        await runs.start(works.house, works.operator, mode=RunMode.FULL, **where)

    assert await works.value("SELECT count(*) FROM runs") == 0


async def test_a_test_says_whether_the_target_answers(works: Works) -> None:
    fine = await connectors.test(works.house, works.operator, connector_id=works.connector.id)
    config = {**works.connector.config, "url": "postgresql://nobody@127.0.0.1:1/nothing"}
    away = await a_connector(works.house.pool, works.tenant_id, name="away", config=config)
    broken = await connectors.test(works.house, works.operator, connector_id=away.id)

    assert (fine.success, fine.error) == (True, None)
    assert not broken.success
    assert broken.error
    assert await works.value("SELECT count(*) FROM audit WHERE action = 'connector.test'") == 2


async def _retry(works: Works, *, where: OperationQuery, expected: int) -> int:
    done = await bulk.act_on_matching(
        works.house,
        works.operator,
        action=bulk.BulkAction.RETRY,
        where=where,
        expected=expected,
        origin=Origin.CONSOLE,
    )
    return done.succeeded


async def test_retry_of_whatever_matches_refuses_more_than_was_shown(works: Works) -> None:
    await works.reconcile()
    await works.table.execute("ALTER TABLE people ADD CHECK (mail NOT LIKE '%@bad.example')")
    await works.hire(*((f"G{n}", f"F{n}", f"p{n}@bad.example") for n in range(3)))
    await works.work()
    await works.table.execute("ALTER TABLE people DROP CONSTRAINT people_mail_check")
    where = OperationQuery(status=OperationStatus.DEAD_LETTER)

    with pytest.raises(WrongState):
        await _retry(works, where=where, expected=2)
    done = await _retry(works, where=where, expected=3)
    await works.work()

    assert done == 3
    assert len(await works.logins()) == 3


async def test_retry_of_whatever_matches_makes_nothing_of_a_wish_that_could_not_be_mapped(works: Works) -> None:
    await works.reconcile()
    await works.hire(("G1", "F1", "p1@example.org"), is_planned=False)
    await works.rows("UPDATE identities SET user_name = ''")
    await works.plan()
    where = OperationQuery(status=OperationStatus.DEAD_LETTER)

    letter = await works.value("SELECT id FROM dead_letters")

    done = await _retry(works, where=where, expected=1)
    with pytest.raises(WrongState, match="nothing to send"):
        await operations.redrive(works.house, works.operator, operation_id=letter, payload=None, origin=Origin.CONSOLE)

    assert done == 0
    assert await works.rows("SELECT 1 FROM operations") == []
    assert await works.value("SELECT error_code FROM dead_letters") == "mapping.failed"


async def test_retry_of_whatever_matches_removes_nobody_uncounted(held: Works) -> None:
    """What was refused because its account was protected has never been counted as a removal."""
    await held.rows("UPDATE connectors SET protected_filter = 'mail ew \"example.org\"', version = version + 1")
    async with tenant(held.house.pool, held.tenant_id) as conn:
        await held.house.acceptance.accept(
            conn,
            tenant_id=held.tenant_id,
            operations=[
                NewOperation(
                    connector_id=held.connector.id,
                    account_id=row["id"],
                    operation_type=OperationType.DELETE,
                    object_class="user",
                    payload={"attributes": {}},
                    origin=Origin.EVENT,
                    user_id=row["identity_id"],
                )
                for row in await held.rows("SELECT id, identity_id FROM accounts")
            ],
            run_id=None,
            reason="A source lost them.",
        )
    await held.rows("UPDATE connectors SET protected_filter = NULL, version = version + 1")
    before = await held.value("SELECT count(*) FROM operations")
    where = OperationQuery(status=OperationStatus.DEAD_LETTER)

    done = await _retry(held, where=where, expected=12)

    assert done == 0
    assert await held.value("SELECT count(*) FROM operations") == before
    assert await held.value("SELECT count(*) FROM dead_letters") == 12


@pytest.mark.parametrize(("kind", "sent"), [("user", 12), ("token", 10)])
async def test_a_script_makes_no_removals_of_dead_letters_beyond_the_limit(works: Works, kind: str, sent: int) -> None:
    await works.reconcile()
    await works.table.execute("ALTER TABLE people ADD CHECK (mail NOT LIKE '%@bad.example')")
    await works.hire(*((f"G{n}", f"F{n}", f"p{n}@bad.example") for n in range(12)))
    await works.work()
    who = replace(works.operator, kind=kind)
    payload = {"attributes": {}, "active": False}
    done = 0
    for row in await works.rows("SELECT id FROM dead_letters ORDER BY id"):
        try:
            where = {"operation_id": row["id"], "payload": payload, "origin": Origin.API}
            await operations.redrive(works.house, who, **where)
        except WrongState:
            continue
        done += 1

    assert done == sent


async def test_who_came_while_a_target_was_off_is_planned_when_it_is_on_again(works: Works) -> None:
    admin = replace(works.operator, roles=frozenset({Role.ADMIN}))
    where = {"connector_id": works.connector.id}
    await connectors.set_active(works.house, admin, on=False, **where)
    await works.hire(("Kim", "Berg", "kim@example.org"))
    passed_over = await works.value("SELECT count(*) FROM operations")
    await connectors.set_active(works.house, admin, on=True, **where)
    async with works.house.pool.acquire() as conn:
        awake = await due_work.due(conn, ["plan"])
    await works.plan()

    assert (passed_over, [each.tenant_id for each in awake]) == (0, [works.tenant_id])
    assert await works.value("SELECT count(*) FROM operations") == 1
