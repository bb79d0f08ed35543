"""A secret on its way to a target is in no table, log, metric, answer or page."""

import base64
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.integration.actions.conftest import RULES, Works
from tests.integration.api.conftest import Client
from worker.domain.mapping import MappingRule
from worker.domain.redaction import MARK
from worker.store import mappings
from worker.store.tenant import tenant

#: What the mapping makes of ``heron-41`` and ``egret-42``, and what is asked for through the API.
MAPPED, REMAPPED, ASKED, MENDED = "HERON-41-CANARY", "EGRET-42-CANARY", "finch-43-canary", "robin-44-canary"
CANARIES = (MAPPED, REMAPPED, ASKED, MENDED)
PASSWORD = MappingRule("password", source="family_name", transforms=("upper",), secret=True)


@pytest.fixture
async def kim(works: Works) -> UUID:
    """Somebody whose account was made with a password, at a target that refuses some."""
    await works.table.execute("ALTER TABLE people ADD COLUMN password text CHECK (password NOT LIKE 'finch%')")
    async with tenant(works.house.pool, works.tenant_id) as conn:
        await conn.execute(
            """UPDATE connectors SET config = jsonb_set(config, '{columns,password}', '"password"'),
            version = version + 1"""
        )
        where = {"tenant_id": works.tenant_id, "connector_id": works.connector.id, "object_class": "user"}
        kept = tuple(rule for rule in RULES if rule.target != "family")
        version = await mappings.insert(conn, **where, rules=(*kept, PASSWORD))
        await mappings.activate(conn, **where, version=version)
    await works.reconcile()
    [kim] = await works.hire(("Kim", "heron-41-canary", "kim@example.org"))
    await works.work()
    return kim


async def passwords(works: Works) -> list[str]:
    return [row["password"] for row in await works.table.fetch("SELECT password FROM people")]


async def ask(client: Client, works: Works, kim: UUID, **attributes: str) -> dict[str, Any]:
    body = {
        "connector_id": str(works.connector.id),
        "user_id": str(kim),
        "operation_type": "update",
        "payload": {"attributes": attributes},
        "idempotency_key": "once",
    }
    status, made = await client.post("/api/operations", body)
    assert status in {200, 201}
    return dict(made)


async def remapped(works: Works, kim: UUID) -> None:
    async with tenant(works.house.pool, works.tenant_id) as conn:
        await conn.execute(
            """UPDATE identities SET attributes = attributes || '{"family_name": "egret-42-canary"}',
            version = version + 1"""
        )
        await conn.execute(
            "INSERT INTO plan_items (tenant_id, identity_id, origin) VALUES ($1, $2, 'event')", works.tenant_id, kim
        )
    await works.plan()
    await works.work()


async def everything_stored(admin_dsn: str) -> str:
    """Every row of every table, as text."""
    connection = await asyncpg.connect(admin_dsn)
    tables = await connection.fetch(
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'public'"
    )
    found = [await connection.fetch(f"SELECT t::text AS row FROM {table['name']} t") for table in tables]
    await connection.close()
    return "\n".join(row["row"] for rows in found for row in rows)


def in_disguise(value: str) -> list[str]:
    raw = value.encode()
    return [value, raw.hex(), base64.b64encode(raw).decode()[:-4]]


async def test_what_the_mapping_and_the_api_send_is_nowhere_but_at_the_target(
    client: Client, works: Works, kim: UUID, database: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    assert await passwords(works) == [MAPPED]
    await remapped(works, kim)
    assert await passwords(works) == [REMAPPED]

    made = await ask(client, works, kim, password=ASKED, given="Kimberly")
    assert await ask(client, works, kim, password=ASKED, given="Kimberly") == made
    stored = [await everything_stored(database.admin_dsn)]
    await works.work(until="SELECT EXISTS (SELECT 1 FROM dead_letters)")
    stored.append(await everything_stored(database.admin_dsn))
    _, letter = await client.get(f"/api/operations/{made['id']}")
    assert letter["payload"]["attributes"] == {"given": "Kimberly", "password": MARK}

    corrected = {"attributes": {**letter["payload"]["attributes"], "password": MENDED}}
    status, again = await client.post(f"/api/operations/{made['id']}/redrive", {"payload": corrected})
    assert status in {200, 201}, again
    await works.work()
    assert await passwords(works) == [MENDED]

    stored.append(await everything_stored(database.admin_dsn))
    answers = [str(made), str(letter), str(again)]
    for path in (
        "/api/operations",
        "/api/operations/dlq",
        f"/api/operations/{made['id']}",
        f"/api/operations/{made['id']}/attempts",
        f"/api/operations/{made['id']}/logs",
        f"/api/operations/{again['id']}",
        f"/api/operations/{again['id']}/attempts",
        f"/api/identities/{kim}",
        f"/api/identities/{kim}/accounts",
        "/api/audit",
    ):
        status, body = await client.get(path, role="admin")
        assert status == 200, path
        answers.append(str(body))
    answers.append((await client.get("/metrics", role="metrics"))[1])
    logged = "".join(capfd.readouterr())
    for canary in CANARIES:
        for text in in_disguise(canary):
            assert not any(text in each for each in stored), canary
            assert not any(text in each for each in answers), canary
            assert text not in logged, canary


async def test_a_mark_that_comes_back_sends_the_sealed_value_again(client: Client, works: Works, kim: UUID) -> None:
    made = await ask(client, works, kim, password=ASKED)
    await works.work(until="SELECT EXISTS (SELECT 1 FROM dead_letters)")
    await works.table.execute("ALTER TABLE people DROP CONSTRAINT people_password_check")

    payload = {"attributes": {"password": MARK, "given": "Kimberly"}}
    await client.post(f"/api/operations/{made['id']}/redrive", {"payload": payload})
    await works.work()

    assert await passwords(works) == [ASKED]


async def test_a_dead_letter_that_is_tried_again_has_its_secret(client: Client, works: Works, kim: UUID) -> None:
    made = await ask(client, works, kim, password=ASKED)
    await works.work(until="SELECT EXISTS (SELECT 1 FROM dead_letters)")
    await works.table.execute("ALTER TABLE people DROP CONSTRAINT people_password_check")

    await client.post(f"/api/operations/{made['id']}/retry")
    await works.work()

    assert await passwords(works) == [ASKED]


async def test_another_secret_with_the_same_key_is_another_request(client: Client, works: Works, kim: UUID) -> None:
    made = await ask(client, works, kim, password=MENDED)
    body = {
        "connector_id": str(works.connector.id),
        "user_id": str(kim),
        "operation_type": "update",
        "payload": {"attributes": {"password": "another"}},
        "idempotency_key": "once",
    }

    status, _ = await client.post("/api/operations", body)

    assert (status, made["payload"]["attributes"]) == (409, {"password": MARK})
