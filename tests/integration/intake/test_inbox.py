import asyncio
from typing import Any
from uuid import uuid4

from tests.factories import a_connector
from worker.domain.connector import ConnectorStatus
from worker.intake import CloudEvent, EventReceiver, InboxProcessor, Processed, Received
from worker.store.due_work import due

from .conftest import House


def event(kind: str, external_id: str = "7", *, source: str = "/hr", id_: str | None = None, **data: Any) -> CloudEvent:
    return CloudEvent(id_ or str(uuid4()), source, f"identity.{kind}", data={"external_id": external_id, **data})


async def receive(house: House, *events: CloudEvent, source: str | None = None) -> Received:
    return await EventReceiver(house.pool).receive(house.tenant_id, events=events, source=source)


async def process(house: House, batch: int = 500) -> Processed:
    return await InboxProcessor(house.pool, batch=batch).run_once(house.tenant_id, house.tenant_id)


async def given(house: House, *events: CloudEvent) -> Processed:
    await receive(house, *events)
    return await process(house)


async def inbox(house: House) -> list[tuple[str, str | None]]:
    rows = await house.rows("SELECT status, message FROM inbox ORDER BY id")
    return [(row["status"], row["message"]) for row in rows]


async def test_events_are_kept_and_wake_the_inbox(house: House) -> None:
    received = await receive(house, event("created"), event("updated"))
    async with house.pool.acquire() as conn:
        awake = await due(conn, ["inbox"])

    assert received == Received(2, 0)
    assert [each.ref_id for each in awake] == [house.tenant_id]
    assert await process(house) == Processed(done=2, identities=1)
    async with house.pool.acquire() as conn:
        assert await due(conn, ["inbox"]) == []


async def test_an_event_that_comes_twice_is_applied_once(house: House) -> None:
    one = event("created", id_="e1", attributes={"title": "Dr"})
    first = await receive(house, one, one)
    await process(house)
    again = await receive(house, one, event("created", id_="e1", source="/crm"))

    assert (first, again) == (Received(1, 1), Received(1, 1))
    await process(house)
    assert (await house.people())["7"]["version"] == 1


async def test_a_repetition_under_way_at_the_same_time_is_kept_once(house: House) -> None:
    events = [event("created", str(n), id_=str(n)) for n in range(50)]
    received = await asyncio.gather(*(receive(house, *events) for _ in range(4)))

    assert sum(each.accepted for each in received) == 50


async def test_a_sender_speaks_only_for_the_source_it_was_authenticated_as(house: House) -> None:
    await receive(house, event("created", source="/hr"), source="/crm")

    assert await house.rows("SELECT source FROM inbox") == [{"source": "/crm"}]


async def test_a_life_in_one_batch(house: House) -> None:
    await given(
        house,
        event("created", user_name="ann", attributes={"title": "Dr", "phone": "1"}),
        event("updated", attributes={"phone": None, "room": "2"}),
        event("disabled"),
        event("enabled"),
        event("created", "8"),
        event("deleted", "8"),
    )
    people = await house.people()

    assert people["7"]["attributes"] == {"title": "Dr", "room": "2"}
    assert people["7"]["active"] is True
    assert people["8"]["active"] is False
    assert people["8"]["deleted_at"] is not None
    assert await house.planned() == 2


async def test_deleted_and_come_back(house: House) -> None:
    await given(house, event("created", attributes={"title": "Dr"}))
    before = await house.rows("SELECT id FROM identities")
    await given(house, event("deleted"))
    gone = await house.people()
    await given(house, event("updated", attributes={"title": "Late"}), event("created", attributes={"room": "1"}))
    back = await house.people()

    assert gone["7"]["deleted_at"] is not None
    assert back["7"]["deleted_at"] is None
    assert back["7"]["attributes"] == {"room": "1"}
    assert await house.rows("SELECT id FROM identities") == before
    assert [status for status, _ in await inbox(house)] == ["done", "done", "dropped", "done"]


async def test_a_revision_that_is_not_newer_is_dropped_and_counted(house: House) -> None:
    processed = await given(
        house,
        event("created", revision=5, attributes={"title": "A"}),
        event("updated", revision=4, attributes={"title": "B"}),
        event("updated", revision=5, attributes={"title": "C"}),
        event("updated", revision=6, attributes={"title": "D"}),
    )

    assert processed == Processed(done=2, dropped=2, identities=1)
    assert (await house.people())["7"]["attributes"] == {"title": "D"}


async def test_a_poison_event_fails_alone_and_says_why(house: House) -> None:
    processed = await given(
        house,
        event("created", "1"),
        CloudEvent("bad", "/hr", "identity.created", data={"external_id": 5}),
        CloudEvent("odd", "/hr", "invoice.paid"),
        event("created", "2"),
    )

    assert processed == Processed(done=2, dropped=1, failed=1, identities=2)
    assert await inbox(house) == [
        ("done", None),
        ("failed", "data.external_id must be text that is not empty."),
        ("dropped", "Events of type invoice.paid mean nothing here."),
        ("done", None),
    ]


async def test_what_another_source_owns_is_told(house: House) -> None:
    await given(house, event("created", attributes={"title": "Dr"}))
    await given(house, event("updated", source="/crm", attributes={"title": "Ms"}))

    assert (await inbox(house))[1] == ("done", "Left as they are, because another source owns them: title.")


async def test_an_event_without_news_plans_nobody(house: House) -> None:
    await given(house, event("created", attributes={"title": "Dr"}))
    await house.planned()
    before = await house.rows("SELECT xmin::text FROM identities")
    await given(house, event("updated", attributes={"title": "Dr"}))

    assert await house.planned() == 0
    assert await house.rows("SELECT xmin::text FROM identities") == before


async def test_many_processors_at_once_keep_the_order(house: House) -> None:
    events = [event("updated", str(n % 5), attributes={"n": n}) for n in range(200)]
    await receive(house, *events)
    for _ in range(10):
        await asyncio.gather(*(process(house, batch=7) for _ in range(4)))

    people = await house.people()
    assert {key: each["attributes"]["n"] for key, each in people.items()} == {str(n % 5): n for n in range(195, 200)}
    assert {status for status, _ in await inbox(house)} == {"done"}


async def test_a_resync_starts_an_import_of_a_source_and_a_reconciliation_of_a_target(house: House) -> None:
    source = await house.source()
    target = await a_connector(house.pool, house.tenant_id, name="app")
    resync = "connector.resync_requested"
    await given(
        house,
        CloudEvent("1", "/x", resync, data={"connector_id": str(source.id)}),
        CloudEvent("2", "/x", resync, data={"connector": "app"}),
        CloudEvent("3", "/x", "reconciliation.requested", data={"connector": "app", "dry_run": True}),
        CloudEvent("4", "/x", resync, data={"connector": "nowhere"}),
    )
    rows = await house.rows('SELECT connector_id, kind, "trigger" FROM runs ORDER BY id')

    assert [(row["connector_id"], row["kind"]) for row in rows] == [
        (source.id, "import"),
        (target.id, "reconciliation"),
    ]
    assert [status for status, _ in await inbox(house)] == ["done", "done", "dropped", "failed"]
    said = await house.rows(
        "SELECT p.kind, a.action, a.details FROM audit a JOIN principals p ON p.id = a.actor_id ORDER BY a.n"
    )
    assert [(row["kind"], row["action"], row["details"]["connector"]) for row in said] == [
        ("system", "run.start", "hr"),
        ("system", "run.start", "app"),
    ]


async def test_no_event_starts_a_run_of_a_target_in_maintenance(house: House) -> None:
    await a_connector(house.pool, house.tenant_id, status=ConnectorStatus.MAINTENANCE)
    await given(house, CloudEvent("1", "/x", "reconciliation.requested", data={"connector": "app"}))

    assert await inbox(house) == [("dropped", "app is in maintenance; nothing is asked of it.")]
    assert await house.rows("SELECT 1 FROM runs") == []
