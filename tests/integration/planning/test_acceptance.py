import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.factories import a_connector, accounts, an_operation
from worker.domain.connector import DeprovisionPolicy
from worker.domain.errors import InvalidRequest, NotFound, WrongState
from worker.domain.operation import NewOperation, Origin
from worker.planning import Acceptance, Accepted, decide_approval, expire_approval
from worker.queue import OperationQueue
from worker.safeguard import SafeguardLimits
from worker.store import listings_approvals
from worker.store.tenant import tenant

from .conftest import House

DISABLE = {"attributes": {}, "active": False}
BY = uuid4()


def removals(connector_id: UUID, ids: list[UUID], **fields: Any) -> list[NewOperation]:
    return [an_operation(connector_id, each, payload=DISABLE, **fields) for each in ids]


async def accept(house: House, operations: list[NewOperation], **fields: Any) -> Accepted:
    async with tenant(house.pool, house.tenant_id) as conn:
        return await Acceptance(OperationQueue()).accept(
            conn, tenant_id=house.tenant_id, operations=operations, run_id=None, reason="Because.", **fields
        )


async def decide(house: House, approval_id: UUID, **fields: Any) -> Any:
    async with tenant(house.pool, house.tenant_id) as conn:
        return await decide_approval(conn, house.tenant_id, approval_id, by=BY, **fields)


async def listed(house: House) -> list[Any]:
    """Approvals as people are shown them."""
    async with tenant(house.pool, house.tenant_id) as conn:
        return await listings_approvals.page(conn, house.tenant_id)


@pytest.fixture
async def target(house: House) -> UUID:
    return (await a_connector(house.pool, house.tenant_id)).id


async def statuses(house: House) -> dict[tuple[str, str | None], int]:
    rows = await house.rows("SELECT status, wait_reason, count(*) AS n FROM operations GROUP BY 1, 2")
    return {(row["status"], row["wait_reason"]): row["n"] for row in rows}


async def test_who_comes_back_while_somebody_approves_is_not_removed_first(house: House, target: UUID) -> None:
    ids = await accounts(house.pool, house.tenant_id, target, 11)
    accepted = await accept(house, removals(target, ids, origin=Origin.EVENT))
    [held] = await house.rows("SELECT account_id FROM operations WHERE approval_id IS NOT NULL")
    back = an_operation(
        target, held["account_id"], payload={"attributes": {"title": "x"}, "active": True}, origin=Origin.EVENT
    )

    async with tenant(house.pool, house.tenant_id) as conn:
        await decide_approval(conn, house.tenant_id, accepted.approval_id, by=BY, approve=True, seen=1)
        planned = asyncio.create_task(accept(house, [back]))
        await asyncio.wait([planned], timeout=0.5)
    await planned

    left = await house.rows("SELECT payload FROM operations WHERE account_id = $1 ORDER BY seq", held["account_id"])
    assert [row["payload"].get("active") for row in left] == [True]


async def test_removals_beyond_the_threshold_wait_for_one_approval(house: House, target: UUID) -> None:
    ids = await accounts(house.pool, house.tenant_id, target, 25)
    accepted = await accept(house, removals(target, ids))

    assert accepted.held == 15
    assert await statuses(house) == {("pending", None): 10, ("awaiting_system", "approval"): 15}
    (approval,) = await house.rows("SELECT id, kind, status, held, threshold, sample, reason FROM approvals")
    assert (approval["id"], approval["status"], approval["held"]) == (accepted.approval_id, "open", 15)
    assert (approval["kind"], approval["threshold"], approval["reason"]) == ("removals", 10, "Because.")
    assert approval["sample"][0] == {"what": "disable", "who": None, "uid": None}


async def test_five_percent_of_the_accounts_may_go(house: House, target: UUID) -> None:
    ids = await accounts(house.pool, house.tenant_id, target, 300)
    await house.rows("UPDATE accounts SET state = 'active', uid = id::text RETURNING id")
    accepted = await accept(house, removals(target, ids[:20]))

    assert accepted.held == 5


async def test_what_an_operator_allows_may_go(house: House, target: UUID) -> None:
    ids = await accounts(house.pool, house.tenant_id, target, 12)
    acceptance = Acceptance(OperationQueue(), limits=SafeguardLimits(floor=2))
    async with tenant(house.pool, house.tenant_id) as conn:
        accepted = await acceptance.accept(
            conn, tenant_id=house.tenant_id, operations=removals(target, ids), run_id=None, reason="Because."
        )

    assert accepted.held == 10


async def test_what_is_no_removal_is_never_held(house: House, target: UUID) -> None:
    ids = await accounts(house.pool, house.tenant_id, target, 40)
    accepted = await accept(house, [an_operation(target, each) for each in ids])

    assert (len(accepted.ids), accepted.held) == (40, 0)


async def test_the_count_goes_on_over_batches_and_one_open_approval_grows(house: House, target: UUID) -> None:
    ids = await accounts(house.pool, house.tenant_id, target, 30)
    batches = [await accept(house, removals(target, ids[n : n + 6])) for n in range(0, 30, 6)]

    assert [each.held for each in batches] == [0, 2, 6, 6, 6]
    assert await house.rows("SELECT held, jsonb_array_length(sample) AS shown FROM approvals") == [
        {"held": 20, "shown": 20}
    ]


async def test_two_acceptors_at_once_never_exceed_the_threshold(house: House, target: UUID) -> None:
    ids = await accounts(house.pool, house.tenant_id, target, 60)
    accepted = await asyncio.gather(*(accept(house, removals(target, ids[n : n + 5])) for n in range(0, 60, 5)))

    assert sum(each.held for each in accepted) == 50
    assert await house.rows("SELECT sum(accepted) AS n FROM removal_counts") == [{"n": 10}]
    assert len(await house.rows("SELECT 1 FROM approvals")) == 1


async def test_removals_of_yesterday_no_longer_count(house: House, target: UUID) -> None:
    ids = await accounts(house.pool, house.tenant_id, target, 20)
    await accept(house, removals(target, ids[:10]))
    await house.rows("UPDATE removal_counts SET hour = hour - interval '23 hours' RETURNING hour")
    held_today = (await accept(house, removals(target, ids[10:11]))).held
    await house.rows("UPDATE removal_counts SET hour = hour - interval '2 hours' RETURNING hour")

    assert held_today == 1
    assert (await accept(house, removals(target, ids[11:]))).held == 0


async def test_an_emergency_and_one_persons_act_are_exempt(house: House, target: UUID) -> None:
    ids = await accounts(house.pool, house.tenant_id, target, 40)
    emergency = await accept(house, removals(target, ids[:20], origin=Origin.EMERGENCY))
    by_hand = await accept(house, removals(target, ids[20:]), exempt=True)

    assert (emergency.held, by_hand.held) == (0, 0)
    assert await house.rows("SELECT 1 FROM removal_counts") == []


async def test_approval_lets_the_held_ones_go_and_counts_them(house: House, target: UUID) -> None:
    ids = await accounts(house.pool, house.tenant_id, target, 12)
    accepted = await accept(house, removals(target, ids))
    assert accepted.approval_id is not None
    decided = await decide(house, accepted.approval_id, approve=True, seen=1)

    assert (decided.released, decided.cancelled) == (2, 0)
    assert await statuses(house) == {("pending", None): 12}
    assert await house.rows("SELECT sum(accepted) AS n FROM removal_counts") == [{"n": 12}]
    with pytest.raises(WrongState):
        await decide(house, accepted.approval_id, approve=False)


async def test_rejection_cancels_the_held_ones_and_frees_their_lanes(house: House, target: UUID) -> None:
    ids = await accounts(house.pool, house.tenant_id, target, 11)
    accepted = await accept(house, removals(target, ids))
    assert accepted.approval_id is not None
    behind = an_operation(target, ids[10])
    await accept(house, [behind])
    decided = await decide(house, accepted.approval_id, approve=False, notes="No.")

    assert decided.cancelled == 1
    assert await statuses(house) == {("pending", None): 11}
    assert await house.rows("SELECT head FROM operations WHERE id = $1", behind.id) == [{"head": True}]
    assert await house.rows("SELECT decided_by, notes FROM approvals") == [{"decided_by": BY, "notes": "No."}]


async def test_a_removal_that_was_refused_waits_for_a_person_however_much_is_free(house: House, target: UUID) -> None:
    """Until one is approved: then it counts like any other."""
    ids = await accounts(house.pool, house.tenant_id, target, 11)
    refused = ids[10]
    accepted = await accept(house, removals(target, ids))
    await house.rows("UPDATE accounts SET wanted_active = false RETURNING id")  # as planning notes it
    assert accepted.approval_id is not None
    await decide(house, accepted.approval_id, approve=False)
    await house.rows("UPDATE removal_counts SET hour = hour - interval '2 days' RETURNING hour")
    await house.rows("DELETE FROM operations RETURNING id")
    await house.rows("UPDATE accounts SET live = 0, head_id = NULL RETURNING id")

    again = await accept(house, removals(target, [ids[0], refused]))
    (shown,) = [row for row in await listed(house) if row["status"] == "open"]
    assert (again.held, shown["held"]) == (1, 1)

    await decide(house, shown["id"], approve=True, seen=shown["version"])
    await house.rows("DELETE FROM operations RETURNING id")
    await house.rows("UPDATE accounts SET live = 0, head_id = NULL RETURNING id")
    assert (await accept(house, removals(target, [refused]))).held == 0


async def test_nobody_approves_what_they_have_not_seen(house: House, target: UUID) -> None:
    ids = await accounts(house.pool, house.tenant_id, target, 20)
    accepted = await accept(house, removals(target, ids[:15]))
    assert accepted.approval_id is not None
    await accept(house, removals(target, ids[15:]))

    with pytest.raises(InvalidRequest):
        await decide(house, accepted.approval_id, approve=True)
    with pytest.raises(WrongState, match="since you looked"):
        await decide(house, accepted.approval_id, approve=True, seen=1)
    assert (await decide(house, accepted.approval_id, approve=True, seen=2)).released == 10


async def test_what_gave_way_and_was_replaced_has_not_been_seen(house: House, target: UUID) -> None:
    """The number is as before, the people are not."""
    ids = await accounts(house.pool, house.tenant_id, target, 13)
    await accept(house, removals(target, ids[:12], origin=Origin.EVENT))
    await accept(house, [an_operation(target, ids[11], origin=Origin.EVENT)])
    await accept(house, removals(target, ids[12:], origin=Origin.EVENT))
    (shown,) = await listed(house)

    assert (shown["held"], shown["version"], len(shown["sample"])) == (2, 2, 2)
    with pytest.raises(WrongState):
        await decide(house, shown["id"], approve=True, seen=1)
    assert (await decide(house, shown["id"], approve=True, seen=2)).released == 2
    assert [row["held"] for row in await listed(house)] == [2]


async def test_what_came_to_be_held_meanwhile_does_not_expire_with_the_rest(house: House, target: UUID) -> None:
    ids = await accounts(house.pool, house.tenant_id, target, 12)
    accepted = await accept(house, removals(target, ids[:11]))
    assert accepted.approval_id is not None
    await accept(house, removals(target, ids[11:]))

    with pytest.raises(WrongState):
        async with tenant(house.pool, house.tenant_id) as conn:
            await expire_approval(conn, house.tenant_id, accepted.approval_id, by=BY, seen=1, notes="Late.")
    assert [(row["held"], row["status"]) for row in await listed(house)] == [(2, "open")]


async def test_what_is_held_is_counted_once_however_often_it_is_planned(house: House, target: UUID) -> None:
    ids = await accounts(house.pool, house.tenant_id, target, 11)
    await accept(house, removals(target, ids, origin=Origin.EVENT))
    await accept(house, [an_operation(target, ids[10], operation_type="delete", payload={}, origin=Origin.EVENT)])
    (shown,) = await listed(house)

    assert (shown["held"], shown["sample"]) == (1, [{"what": "delete", "who": None, "uid": None}])


@pytest.mark.parametrize("policy", [DeprovisionPolicy.DISABLE, DeprovisionPolicy.DELETE])
async def test_a_refused_removal_is_not_believed_done_and_asked_again(house: House, policy: DeprovisionPolicy) -> None:
    await house.target(deprovision=policy)
    people = await house.people(*(f"p{n}" for n in range(12)))
    await house.plan()
    await house.settle()
    gone = [replace(each, active=False, version=2) for each in people]
    await house.change(*gone)
    await house.plan()
    (first,) = await house.rows("SELECT id FROM approvals")
    await decide(house, first["id"], approve=False)
    wanted = await house.rows("SELECT wanted_active, count(*) AS n FROM accounts GROUP BY 1 ORDER BY 1")
    await house.ask(*gone)
    again = await house.plan()

    assert wanted == [{"wanted_active": False, "n": 10}, {"wanted_active": None, "n": 2}]
    assert (again.operations, again.held) == (2, 2)
    assert [row["held"] for row in await listed(house) if row["status"] == "open"] == [2]


async def test_a_refused_removal_of_an_account_that_is_off_already_leaves_it_off(house: House) -> None:
    await house.target()
    people = await house.people(*(f"p{n}" for n in range(11)))
    await house.plan()
    await house.settle()
    await house.change(*(replace(each, active=False, version=2) for each in people))
    await house.plan()
    await house.rows("UPDATE accounts SET observed_active = false RETURNING 1")
    (held,) = await house.rows("SELECT id FROM approvals")
    await decide(house, held["id"], approve=False)

    assert await house.rows("SELECT DISTINCT wanted_active FROM accounts") == [{"wanted_active": False}]


async def test_an_unknown_approval_is_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        await decide(house, uuid4(), approve=True, seen=1)


async def test_a_mass_leaving_is_held_per_target_and_shows_who(house: House) -> None:
    await house.target("one")
    await house.target("two")
    people = await house.people(*(f"p{n}" for n in range(30)))
    await house.plan()
    await house.settle()
    await house.change(*(replace(each, active=False, version=2) for each in people))
    planned = await house.plan()

    assert planned.held == 40
    approvals = await house.rows("SELECT held, sample FROM approvals")
    assert [each["held"] for each in approvals] == [20, 20]
    assert {"p29", "p10"} <= {shown["who"] for shown in approvals[0]["sample"]}
    assert await statuses(house) == {("pending", None): 20, ("awaiting_system", "approval"): 40}


async def test_what_would_change_a_protected_account_is_refused_whoever_asks(house: House, target: UUID) -> None:
    ids = await accounts(house.pool, house.tenant_id, target, 4)
    await house.rows("UPDATE connectors SET protected_filter = 'login sw \"svc-\"' RETURNING 1")
    await house.rows('UPDATE accounts SET observed = \'{"login": "svc-backup"}\' WHERE id = $1 RETURNING 1', ids[0])
    rename = {"attributes": {"login": "svc-new"}}
    asked = [
        *removals(target, ids[:2]),
        an_operation(target, ids[2], payload=rename),
        an_operation(target, ids[3], payload=rename, operation_type="create"),
    ]
    accepted = await accept(house, asked, exempt=True)

    assert (accepted.ids, accepted.refused) == ((asked[1].id,), (asked[0].id, asked[2].id, asked[3].id))
    assert await statuses(house) == {("pending", None): 1}
    assert await house.rows("SELECT error_code, attempt_number, count(*) AS n FROM dead_letters GROUP BY 1, 2") == [
        {"error_code": "protected_account", "attempt_number": 0, "n": 3}
    ]


async def test_what_is_refused_does_not_use_up_what_may_be_removed(house: House, target: UUID) -> None:
    ids = await accounts(house.pool, house.tenant_id, target, 20)
    await house.rows("UPDATE connectors SET protected_filter = 'login pr' RETURNING 1")
    protected = ids[:10]
    await house.rows('UPDATE accounts SET observed = \'{"login": "x"}\' WHERE id = ANY($1) RETURNING 1', protected)
    accepted = await accept(house, removals(target, ids))

    assert (len(accepted.refused), len(accepted.ids), accepted.held) == (10, 10, 0)


async def test_a_filter_that_cannot_be_read_is_left_to_the_guard(house: House, target: UUID) -> None:
    ids = await accounts(house.pool, house.tenant_id, target, 1)
    await house.rows("UPDATE connectors SET protected_filter = 'login equals' RETURNING 1")

    assert len((await accept(house, removals(target, ids))).ids) == 1


async def test_planning_refuses_a_protected_account_once(house: House) -> None:
    await house.target("app")
    (person,) = await house.people("svc-backup")
    await house.rows("UPDATE connectors SET protected_filter = 'cn sw \"svc-\"' RETURNING 1")
    await house.plan()
    await house.ask(person)
    await house.plan()

    assert await house.operations() == []
    assert await house.rows("SELECT user_id, error_message FROM dead_letters") == [
        {"user_id": person.id, "error_message": "The account is protected and is never changed by us."}
    ]
