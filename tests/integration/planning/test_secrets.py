"""Secret attributes are planned sealed, sent when they changed, and written nowhere in the open."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from tests.factories import VAULT
from tests.integration.planning.conftest import House
from worker.domain import sealing
from worker.domain.ids import uuid7
from worker.domain.mapping import MappingRule
from worker.security import fingerprints, open_values
from worker.store import identities, work
from worker.store.identities import StoredIdentity
from worker.store.tenant import tenant

RULES = (
    MappingRule("cn", source="name", required=True),
    MappingRule("password", source="seed", transforms=("upper",), secret=True),
    MappingRule("pin", constant="0000", on=("create",), secret=True),
)


@pytest.fixture
async def house(house: House) -> House:
    await house.target(rules=RULES)
    return house


async def ada_of(house: House) -> StoredIdentity:
    """Ada, who asks to be planned."""
    ada = StoredIdentity(uuid7(), "1", "ada", {"name": "Ada", "seed": "heron"})
    async with tenant(house.pool, house.tenant_id) as conn:
        await identities.insert(conn, tenant_id=house.tenant_id, identities=[ada])
    await house.ask(ada)
    return ada


async def planned(house: House) -> dict[str, Any]:
    """The one operation that waits, its secrets opened."""
    await house.plan()
    [row] = await house.rows("SELECT account_id, operation_type, payload, secrets FROM operations")
    sealed = sealing.sealed_of(sealing.joined(row["payload"], row["secrets"]))
    values = open_values(sealed, vault=VAULT, tenant_id=house.tenant_id, account_id=row["account_id"])
    return {**row, "values": values}


async def given(house: House, **values: str) -> None:
    """The accounts were given these, and nothing waits any more."""
    for row in await house.rows("DELETE FROM operations RETURNING account_id"):
        account_id: UUID = row["account_id"]
        marks = fingerprints(values, vault=VAULT, tenant_id=house.tenant_id, account_id=account_id)
        async with tenant(house.pool, house.tenant_id) as conn:
            await work.mark_secrets(conn, house.tenant_id, account_id=account_id, marks=marks)
            await conn.execute("UPDATE accounts SET uid = 'u1', state = 'active', live = 0, head_id = NULL")


async def test_a_new_account_gets_its_secrets_sealed_beside_the_payload(house: House) -> None:
    await ada_of(house)

    op = await planned(house)

    assert op["values"] == {"password": "HERON", "pin": "0000"}
    assert op["payload"] == {"attributes": {"cn": "Ada"}, "active": True, "secrets": ["password", "pin"]}
    [account] = await house.rows("SELECT a::text AS text FROM accounts a")
    assert "HERON" not in account["text"]


async def test_what_an_account_was_given_is_not_planned_again(house: House) -> None:
    ada = await ada_of(house)
    await planned(house)
    await given(house, password="HERON")

    await house.ask(ada)
    await house.plan()

    assert await house.operations() == []


async def test_a_changed_secret_alone_is_an_update(house: House) -> None:
    ada = await ada_of(house)
    await planned(house)
    await given(house, password="HERON")

    await house.change(replace(ada, attributes={"name": "Ada", "seed": "egret"}, version=2))
    op = await planned(house)

    assert (op["operation_type"], op["payload"]) == ("update", {"attributes": {}, "secrets": ["password"]})
    assert op["values"] == {"password": "EGRET"}


async def test_a_secret_that_has_no_value_any_more_is_left_as_it_is(house: House) -> None:
    ada = await ada_of(house)
    await planned(house)
    await given(house, password="HERON")

    await house.change(replace(ada, attributes={"name": "Ada"}, version=2))
    await house.plan()

    assert await house.operations() == []


async def test_a_newer_plan_merged_into_a_waiting_creation_keeps_the_newest_secrets(house: House) -> None:
    ada = await ada_of(house)
    await planned(house)

    await house.change(replace(ada, attributes={"name": "Ada Moss", "seed": "egret"}, version=2))
    op = await planned(house)

    assert op["operation_type"] == "create"
    assert op["values"] == {"password": "EGRET", "pin": "0000"}
    assert op["payload"]["attributes"] == {"cn": "Ada Moss"}


async def test_an_account_whose_secrets_nobody_noted_gets_them_with_the_next_plan(house: House) -> None:
    """A process of the version before creates an account and knows nothing of its secrets."""
    ada = await ada_of(house)
    await planned(house)
    await given(house)

    await house.ask(ada)
    op = await planned(house)

    assert op["values"] == {"password": "HERON"}


async def test_somebody_who_leaves_is_sent_no_secret(house: House) -> None:
    ada = await ada_of(house)
    await planned(house)
    await given(house, password="HERON")

    await house.change(replace(ada, attributes={"name": "Ada", "seed": "egret"}, active=False, version=2))
    op = await planned(house)

    assert (op["values"], op["payload"]) == ({}, {"attributes": {}, "active": False})
