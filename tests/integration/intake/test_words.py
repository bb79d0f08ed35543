"""Events and imports about attributes that a target may set as well: everybody's last word is kept."""

from typing import Any
from uuid import uuid4

import pytest

from tests.factories import a_connector
from worker.domain.mapping import Direction, MappingRule
from worker.intake import CloudEvent, EventReceiver, InboxProcessor
from worker.store import identity_sources, mappings
from worker.store.tenant import tenant

from .conftest import House


def said(source: str, title: str | None) -> CloudEvent:
    data = {"external_id": "7", "attributes": {"title": title, "other": "x"}}
    return CloudEvent(str(uuid4()), source, "identity.updated", data=data)


async def given(house: House, *events: CloudEvent) -> tuple[Any, dict[str, Any]]:
    """What the person's title is after these events, and what everybody says of it."""
    await EventReceiver(house.pool).receive(house.tenant_id, events=events, source=None)
    await InboxProcessor(house.pool).run_once(house.tenant_id, house.tenant_id)
    [person] = await house.rows("SELECT id, attributes FROM identities")
    async with tenant(house.pool, house.tenant_id) as conn:
        words = await identity_sources.words(conn, house.tenant_id, identity_ids=[person["id"]])
    return person["attributes"].get("title"), words.get(person["id"], {}).get("title", {})


@pytest.fixture
async def shared(house: House) -> House:
    """A target lets titles in."""
    connector = await a_connector(house.pool, house.tenant_id)
    where: dict[str, Any] = {"tenant_id": house.tenant_id, "connector_id": connector.id, "object_class": "user"}
    async with tenant(house.pool, house.tenant_id) as conn:
        rules = [MappingRule("title", source="title", direction=Direction.BOTH)]
        await mappings.activate(conn, **where, version=await mappings.insert(conn, **where, rules=rules))
    return house


async def test_the_word_of_one_whom_nobody_contradicts_is_the_value_itself(shared: House) -> None:
    assert await given(shared, said("/hr", "Dr")) == ("Dr", {})
    assert await given(shared, said("/hr", "Prof")) == ("Prof", {})


async def test_of_two_the_other_counts_when_the_believed_one_is_silent(shared: House) -> None:
    await given(shared, said("/hr", "Dr"))

    both = await given(shared, said("/crm", "Prof"))
    one = await given(shared, said("/crm", None))

    assert both == ("Prof", {"event:/hr": "Dr", "event:/crm": "Prof"})
    assert one[0] == "Dr"


async def test_events_of_one_batch_hear_each_other(shared: House) -> None:
    events = [said("/hr", "Dr"), said("/crm", "Prof"), said("/hr", "Sir"), said("/crm", None)]

    title, words = await given(shared, *events)

    assert (title, words) == ("Sir", {"event:/hr": "Sir"})


async def test_without_such_a_mapping_who_said_it_first_keeps_it(house: House) -> None:
    await given(house, said("/hr", "Dr"))

    assert await given(house, said("/crm", "Prof")) == ("Dr", {})
    [stored] = await house.rows("SELECT count(*) AS n FROM identity_sources")
    assert stored["n"] == 0


async def test_what_lets_attributes_in_is_found_by_its_index(shared: House) -> None:
    async with tenant(shared.pool, shared.tenant_id) as conn:
        await conn.execute("SET LOCAL enable_seqscan = off")
        query = identity_sources.queries.sharing
        rows = await conn.fetch(f"EXPLAIN {query.text}", shared.tenant_id)

    assert "mapping_versions_inbound" in "\n".join(row[0] for row in rows)
