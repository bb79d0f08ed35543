"""What becomes of a create that waits for an answer, and of an account whose owner a person names."""

import asyncio

import pytest

from tests.integration.actions.conftest import Works
from tests.waiting import eventually
from worker.actions import cases
from worker.domain.errors import Forbidden, InvalidRequest, WrongState
from worker.store.tenant import tenant

ASKS = "SELECT EXISTS (SELECT 1 FROM operations WHERE status = 'awaiting_system' AND wait_reason = 'case')"


@pytest.fixture
async def asking(works: Works) -> Works:
    """A create that waits: the table has somebody of the same name, and nothing else is known of them."""
    await works.table.execute("INSERT INTO people (login, given, family) VALUES ('x4711', 'Saskia', 'van Dijk')")
    await works.reconcile()
    await works.hire(("Saskia", "van Dijk", "saskia.vandijk@example.org"))
    await works.work(until=ASKS)
    return works


async def test_a_confirmed_account_is_taken_over_and_nothing_is_made(asking: Works) -> None:
    case = (await asking.rows("SELECT * FROM cases WHERE status = 'open'"))[0]

    await cases.confirm(asking.house, asking.operator, case_id=case["id"], uid=case["candidates"][0]["uid"])
    await asking.work()

    mails = [row["mail"] for row in await asking.table.fetch("SELECT mail FROM people")]
    assert await asking.logins() == [("x4711", True)]
    assert mails == ["saskia.vandijk@example.org"]
    account = (await asking.rows("SELECT uid, identity_id, state FROM accounts"))[0]
    assert (account["identity_id"], account["state"]) == (case["identity_id"], "active")
    assert await asking.value("SELECT status FROM cases") == "confirmed"
    assert await asking.value("SELECT count(*) FROM audit WHERE action = 'case.confirm'") == 1


async def test_a_rejected_account_stays_nobodys_and_a_new_one_is_made(asking: Works) -> None:
    case_id = await asking.value("SELECT id FROM cases WHERE status = 'open'")

    await cases.reject(asking.house, asking.operator, case_id=case_id, notes="another Saskia")
    await asking.work()

    assert await asking.logins() == [("saskia.vandijk", True), ("x4711", True)]
    owners = await asking.rows("SELECT identity_id FROM accounts WHERE uid IS NOT NULL ORDER BY identity_id NULLS LAST")
    assert [row["identity_id"] is None for row in owners] == [False, True]
    assert await asking.value("SELECT count(*) FROM cases WHERE status = 'open'") == 0


async def test_the_owner_that_a_person_names_gets_the_account_and_is_planned(works: Works) -> None:
    """The other way round: a run asks whose account it is, and no operation waits for the answer."""
    await works.table.execute("INSERT INTO people (login, given, family) VALUES ('x4711', 'Saskia', 'van Dijk')")
    (saskia,) = await works.hire(("Saskia", "van Dijk", "saskia.vandijk@example.org"), is_planned=False)
    await works.reconcile()
    case = (await works.rows("SELECT * FROM cases WHERE status = 'open'"))[0]

    await cases.confirm(works.house, works.operator, case_id=case["id"], identity_id=saskia)
    await works.plan()
    await works.work()

    rows = await works.table.fetch("SELECT mail FROM people")
    account = (await works.rows("SELECT identity_id, match FROM accounts"))[0]
    assert case["account_id"] is not None
    assert [row["mail"] for row in rows] == ["saskia.vandijk@example.org"]
    assert (account["identity_id"], account["match"]["decision"]) == (saskia, "manual")
    assert (
        await works.value(
            "SELECT count(*) FROM discrepancies WHERE account_id IS NOT NULL AND resolution_status = 'pending'"
        )
        == 0
    )


async def test_an_account_whose_owner_a_person_names_keeps_what_hooks_compute(works: Works) -> None:
    await works.rows("UPDATE connectors SET settings = settings || $1 RETURNING id", {"hook_attributes": ["login"]})
    await works.table.execute("INSERT INTO people (login, given, family) VALUES ('x4711', 'Saskia', 'van Dijk')")
    (saskia,) = await works.hire(("Saskia", "van Dijk", "saskia.vandijk@example.org"), is_planned=False)
    await works.reconcile()
    case_id = await works.value("SELECT id FROM cases WHERE status = 'open'")

    await cases.confirm(works.house, works.operator, case_id=case_id, identity_id=saskia)

    assert await works.value("SELECT hooked FROM accounts WHERE uid IS NOT NULL") == {"login": "x4711"}


async def test_a_taken_name_that_a_person_refused_ends_as_dead_letter(works: Works) -> None:
    await works.reconcile()
    first, _ = await works.hire(("Kim", "Berg", "kim@example.org"), ("Lou", "Anders", "lou@example.org"))
    await works.work()
    await works.table.execute("UPDATE people SET login = 'max' WHERE login = 'kim'")
    await works.hire(("Max", "Zeller", "max@other.example"))
    await works.work(until=ASKS)
    case = (await works.rows("SELECT * FROM cases WHERE status = 'open'"))[0]

    with pytest.raises(WrongState, match="somebody else"):
        await cases.confirm(works.house, works.operator, case_id=case["id"], uid=case["candidates"][0]["uid"])
    await cases.reject(works.house, works.operator, case_id=case["id"])
    await works.work()

    assert await works.value("SELECT error_code FROM dead_letters") == "already_exists"
    assert await works.value("SELECT identity_id FROM accounts WHERE uid = $1", case["candidates"][0]["uid"]) == first


async def test_a_case_is_decided_once_and_by_somebody_who_may(asking: Works) -> None:
    case = (await asking.rows("SELECT * FROM cases WHERE status = 'open'"))[0]
    with pytest.raises(Forbidden):
        await cases.reject(asking.house, asking.viewer, case_id=case["id"])
    with pytest.raises(InvalidRequest):
        await cases.confirm(asking.house, asking.operator, case_id=case["id"], uid="none of them")
    await cases.reject(asking.house, asking.operator, case_id=case["id"])

    with pytest.raises(WrongState):
        await cases.confirm(asking.house, asking.second, case_id=case["id"], uid=case["candidates"][0]["uid"])


async def test_an_answer_takes_its_locks_in_the_order_of_planning(works: Works) -> None:
    """While planning holds the person, an answer waits for it without holding the account that planning needs next."""
    await works.table.execute("INSERT INTO people (login, given, family) VALUES ('x4711', 'Saskia', 'van Dijk')")
    (saskia,) = await works.hire(("Saskia", "van Dijk", "saskia.vandijk@example.org"), is_planned=False)
    await works.reconcile()
    case = (await works.rows("SELECT * FROM cases WHERE status = 'open'"))[0]

    async def waits() -> bool:
        return bool(await works.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))

    async with tenant(works.house.pool, works.tenant_id) as planning:
        await planning.execute("SELECT 1 FROM plan_items WHERE identity_id = $1 FOR UPDATE", saskia)
        answering = asyncio.create_task(
            cases.confirm(works.house, works.operator, case_id=case["id"], identity_id=saskia)
        )
        await eventually(waits)
        locked = await planning.fetch("SELECT id FROM accounts ORDER BY id FOR UPDATE NOWAIT")
    await answering

    assert case["account_id"] in {row["id"] for row in locked}
