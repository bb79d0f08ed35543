"""An answer that was wrong is taken back, and what was answered before is told to whoever decides the next case."""

from uuid import UUID

import pytest

from tests.integration.actions.conftest import Works
from worker.actions import cases, owners, undeciding
from worker.actions.alike import Alike, Outcome, alike, in_words, sentences
from worker.domain.errors import Forbidden, WrongState
from worker.security import Principal
from worker.service.desk import cases as desk
from worker.store import correlation
from worker.store.sql import Record
from worker.store.tenant import tenant

OPEN = "SELECT * FROM cases WHERE status = 'open' ORDER BY id"


@pytest.fixture
async def asked(works: Works) -> Works:
    """Two accounts of people of whom nothing but the name is known; no operation waits for an answer."""
    await works.table.execute(
        "INSERT INTO people (login, given, family) VALUES ('x1', 'Saskia', 'van Dijk'), ('x2', 'Lou', 'Anders')"
    )
    people = ("Saskia", "van Dijk", "saskia@example.org"), ("Lou", "Anders", "lou@example.org")
    await works.hire(*people, is_planned=False)
    await works.reconcile()
    return works


async def told(works: Works, case_id: UUID) -> Alike:
    async with tenant(works.house.pool, works.tenant_id) as conn:
        case = await correlation.get_case(conn, tenant_id=works.tenant_id, case_id=case_id)
        assert case is not None
        return await alike(conn, works.tenant_id, case)


def best(case: Record) -> UUID:
    return UUID(case["candidates"][0]["ref_id"])


async def test_a_link_is_taken_back_and_found_by_the_create_of_its_owner(asked: Works) -> None:
    """Else the person would get a second account: whose is taken from nobody is looked for by keys."""
    first, second = await asked.rows(OPEN)
    await cases.confirm(asked.house, asked.operator, case_id=first["id"], identity_id=best(first))
    linked = await told(asked, second["id"])
    await undeciding.undo(asked.house, asked.operator, case_id=first["id"])
    await asked.plan()
    await asked.work(until="SELECT count(*) = 2 FROM operations WHERE wait_reason = 'case'")

    assert in_words(linked.outcomes) == "1 like this was decided: 1 × the best candidate"
    assert (await told(asked, second["id"])).outcomes == {}
    assert {row["id"] for row in await asked.rows(OPEN)} >= {first["id"], second["id"]}
    assert await asked.value("SELECT count(*) FROM accounts WHERE uid IS NOT NULL AND identity_id IS NOT NULL") == 0
    assert len(await asked.logins()) == 2
    assert await asked.value("SELECT count(*) FROM decisions") == 0
    assert await asked.value("SELECT count(*) FROM correlation_reviews") == 0
    assert await asked.value("SELECT count(*) FROM discrepancies WHERE resolution_status = 'pending'") >= 2
    assert await asked.value("SELECT count(*) FROM audit WHERE action = 'case.undo'") == 1


async def test_no_and_nobodys_are_taken_back(asked: Works) -> None:
    first, second = await asked.rows(OPEN)
    await cases.reject(asked.house, asked.operator, case_id=first["id"])
    await owners.nobodys(asked.house, asked.operator, case_id=second["id"])
    before = await told(asked, first["id"])
    for case in (first, second):
        await undeciding.undo(asked.house, asked.second, case_id=case["id"])

    assert before.outcomes == {Outcome.NOBODY: 1}
    assert sentences(before.about) == [f"{before.about[0].uid} is not saskia’s."]
    assert [row["id"] for row in await asked.rows(OPEN)] == [first["id"], second["id"]]
    assert await asked.value("SELECT count(*) FROM decisions") == 0


async def test_what_the_answer_did_not_say_is_not_taken_back_with_it(asked: Works) -> None:
    """That somebody once said *nobody's* still lets nothing link by itself when the evidence has changed."""
    case, _ = await asked.rows(OPEN)
    await asked.rows(
        "INSERT INTO decisions (tenant_id, connector_id, account_id, identity_id, verdict, decided_at, decided_by) "
        "SELECT tenant_id, connector_id, account_id, $2, 'nobody', now(), id FROM cases WHERE id = $1 RETURNING 1",
        case["id"], UUID(int=0),
    )  # fmt: skip
    await cases.reject(asked.house, asked.operator, case_id=case["id"])
    await undeciding.undo(asked.house, asked.operator, case_id=case["id"])

    assert [row["verdict"] for row in await asked.rows("SELECT verdict FROM decisions")] == ["nobody"]


async def test_what_something_has_gone_on_with_stays(asked: Works) -> None:
    first, second = await asked.rows(OPEN)
    with pytest.raises(Forbidden):
        await undeciding.undo(asked.house, asked.viewer, case_id=first["id"])
    with pytest.raises(WrongState, match="nobody has answered it"):
        await undeciding.undo(asked.house, asked.operator, case_id=first["id"])
    await cases.confirm(asked.house, asked.operator, case_id=first["id"], identity_id=best(first))
    await asked.rows("UPDATE accounts SET match = NULL WHERE match IS NOT NULL RETURNING id")
    with pytest.raises(WrongState, match="not there any more"):
        await undeciding.undo(asked.house, asked.operator, case_id=first["id"])
    await cases.reject(asked.house, asked.operator, case_id=second["id"])
    await asked.rows("UPDATE cases SET operation_id = id WHERE id = $1 RETURNING id", second["id"])
    with pytest.raises(WrongState, match="gone on with this answer"):
        await undeciding.undo(asked.house, asked.operator, case_id=second["id"])

    assert await asked.rows(OPEN) == []


async def test_the_same_answer_given_twice_is_one(asked: Works) -> None:
    first, second = await asked.rows(OPEN)
    await cases.confirm(asked.house, asked.operator, case_id=first["id"], identity_id=best(first))
    await owners.nobodys(asked.house, asked.operator, case_id=second["id"])

    async def again(who: Principal, case: Record, *, chosen: UUID | None = None, is_nobody: bool = False) -> bool:
        return await cases.repeats(asked.house, who, case_id=case["id"], identity_id=chosen, is_nobody=is_nobody)

    assert await again(asked.operator, first, chosen=best(first))
    assert not await again(asked.second, first, chosen=best(first))
    assert not await again(asked.operator, first)
    assert await again(asked.operator, second, is_nobody=True)
    assert not await again(asked.operator, second)


async def test_a_case_shows_what_is_asked_about_on_one_side_and_each_candidate_on_the_other(asked: Works) -> None:
    first, _ = await asked.rows(OPEN)
    async with tenant(asked.house.pool, asked.tenant_id) as conn:
        found = await desk.detail(conn, asked.tenant_id, case_id=first["id"])

    assert found is not None
    said = {each.rule: (each.source_value, each.target_value) for each in found.candidates[0].contributions}
    assert said["user name"] == ("x1", "saskia")
    assert found.candidates[0].confidence < 1
