"""What is particular to tables; what every target promises is in tests/conformance."""

from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from worker.connectors import ConnectorGuard, Span, guard_for
from worker.domain.connector import Connector, Limits
from worker.domain.errors import (
    AccessRefused,
    AlreadyExists,
    InvalidAttributes,
    PermanentError,
    TargetUnavailable,
    UnknownUid,
)

TABLE = """
CREATE TABLE departments (code text PRIMARY KEY);
INSERT INTO departments VALUES ('IT');
CREATE SCHEMA "Odd Schema";
CREATE TABLE "Odd Schema"."User Table" (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "Login Name" varchar(20) NOT NULL,
    department text REFERENCES departments,
    shoe_size int CHECK (shoe_size BETWEEN 20 AND 60),
    hired date,
    salary numeric(10, 2),
    flags text[],
    profile jsonb,
    status char(1) NOT NULL DEFAULT 'A',
    badge uuid,
    CONSTRAINT one_login UNIQUE ("Login Name")
);
CREATE UNIQUE INDEX one_badge ON "Odd Schema"."User Table" (badge);
"""
CONFIG = {
    "table": "User Table",
    "schema": "Odd Schema",
    "key": "id",
    "naming": "Login Name",
    "columns": {
        "login": "Login Name",
        "department": "department",
        "shoeSize": "shoe_size",
        "hired": "hired",
        "salary": "salary",
        "flags": "flags",
        "profile": "profile",
        "badge": "badge",
    },
    "active_column": "status",
    "active_value": "A",
    "inactive_value": "X",
}


def guard_to(database: Any, **config: Any) -> ConnectorGuard:
    url = make_url(database.owner_dsn)
    plain = url.set(drivername="postgresql")._replace(password=None).render_as_string()
    connector = Connector(
        uuid4(), uuid4(), "app", "sql", config={"url": plain, **CONFIG, **config}, limits=Limits(deadline_s=5)
    )
    return guard_for(connector, credentials={"password": url.password or ""})


@pytest.fixture
async def admin(empty_database: Any) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(empty_database.owner_dsn)
    await connection.execute(TABLE)
    yield connection
    await connection.close()


@pytest.fixture
async def guard(empty_database: Any, admin: asyncpg.Connection) -> AsyncIterator[ConnectorGuard]:
    async with guard_to(empty_database) as opened:
        yield opened


async def test_key_may_be_made_by_the_database(guard):
    first = await guard.create("user", {"login": "a"}, active=True)
    second = await guard.create("user", {"login": "b"}, active=False)
    account = await guard.get("user", second)

    assert (first, second) == ("1", "2")
    assert (account.attributes["login"], account.active) == ("b", False)


async def test_values_of_all_kinds_come_back(guard):
    wanted = {
        "login": "Jörg",
        "department": "IT",
        "shoeSize": 43,
        "hired": "2026-11-22",
        "salary": "1234.50",
        "flags": ["a", "ü"],
        "profile": {"a": [1, None]},
        "badge": "01900000-0000-7000-8000-000000000000",
    }
    uid = await guard.create("user", wanted, active=True)

    assert (await guard.get("user", uid)).attributes == wanted


async def test_what_is_cleared_is_null_in_json_columns_too(guard, admin):
    uid = await guard.create("user", {"login": "a", "profile": {"a": 1}, "flags": ["x"]}, active=True)

    await guard.update("user", uid, {"profile": None, "flags": None})

    assert tuple(await admin.fetchrow('SELECT profile, flags FROM "Odd Schema"."User Table"')) == (None, None)


@pytest.mark.parametrize(
    ("attributes", "column"),
    [
        pytest.param({"login": "a" * 21}, "Login Name", id="too long"),
        pytest.param({"login": None}, "Login Name", id="missing"),
        pytest.param({"login": "a", "department": "HR"}, "department", id="refers to nothing"),
        pytest.param({"login": "a", "shoeSize": 99}, "shoe_size", id="breaks a rule"),
        pytest.param({"login": "a", "shoeSize": 2**40}, "shoe_size|fit its column", id="too large for the driver"),
        pytest.param({"login": "a", "salary": "123456789012"}, "salary|One of", id="too large for the column"),
        pytest.param({"login": "a", "hired": "yesterday"}, "hired", id="no date"),
        pytest.param({"login": "a", "profile": "\x00"}, "One of|profile", id="zero byte in JSON"),
        pytest.param({"login": "a", "id": 5}, '"id"', id="not in the columns"),
    ],
)
async def test_refused_value_is_told_by_its_column(guard, attributes, column):
    with pytest.raises(InvalidAttributes, match=column) as caught:
        await guard.create("user", attributes, active=True)

    assert all(str(value) not in str(caught.value) for value in attributes.values() if value not in {None, "a", 5})


async def test_unique_value_that_is_taken_is_told_by_its_column(guard):
    badge = str(uuid4())
    await guard.create("user", {"login": "a", "badge": badge}, active=True)
    other = await guard.create("user", {"login": "b"}, active=True)

    with pytest.raises(AlreadyExists, match="Login Name"):
        await guard.create("user", {"login": "a"}, active=True)
    with pytest.raises(AlreadyExists, match="badge"):
        await guard.create("user", {"login": "c", "badge": badge}, active=True)
    with pytest.raises(InvalidAttributes, match="badge"):
        await guard.update("user", other, {"badge": badge})


async def test_names_reach_the_database_as_names(guard, admin):
    """Table, schema and columns with spaces and capitals are quoted, never spliced."""
    uid = await guard.create("user", {"login": "a"}, active=True)
    await guard.update("user", uid, {"login": "b", "flags": None})

    assert await admin.fetchval('SELECT "Login Name" FROM "Odd Schema"."User Table"') == "b"


async def test_null_uses_the_default_on_create_and_clears_on_update(guard):
    uid = await guard.create("user", {"login": "a", "shoeSize": None}, active=None)
    await guard.update("user", uid, {"department": "IT"})
    await guard.update("user", uid, {"department": None})
    account = await guard.get("user", uid)

    assert account.active is True
    assert account.attributes["department"] is None


async def test_status_that_is_neither_is_unknown(guard, admin):
    uid = await guard.create("user", {"login": "a"}, active=True)
    await admin.execute("""UPDATE "Odd Schema"."User Table" SET status = '?'""")

    assert (await guard.get("user", uid)).active is None


async def test_listing_follows_the_keys_whatever_comes_and_goes(guard, admin):
    for n in range(6):
        await guard.create("user", {"login": f"u{n}"}, active=True)
    first = await guard.search("user", page_size=2)
    await admin.execute('DELETE FROM "Odd Schema"."User Table" WHERE id IN (1, 3)')
    second = await guard.search("user", token=first.next_token, page_size=2)
    third = await guard.search("user", token=second.next_token, page_size=2)

    assert first.total == 6
    assert [a.uid for page in (first, second, third) for a in page.accounts] == ["1", "2", "4", "5", "6"]
    assert third.is_last


@pytest.mark.parametrize("count", [2, 3, 7, 50])
async def test_ranges_hold_every_row_once_whatever_comes_and_goes(guard, admin, count):
    table = '"Odd Schema"."User Table"'
    fill = f'INSERT INTO {table} (id, "Login Name") OVERRIDING SYSTEM VALUE'
    await admin.execute(f"{fill} SELECT n * 10, 'u' || n FROM generate_series(1, 23) n")
    marks = await guard.marks("user", count=count)
    await admin.execute(f"DELETE FROM {table} WHERE id % 30 = 0")
    await admin.execute(f"{fill} SELECT n * 40 - 5, 'v' || n FROM generate_series(1, 7) n")
    listed, totals = [], []
    for after, upto in pairwise([None, *marks, None]):
        token = None
        while True:
            page = await guard.search("user", token=token, page_size=3, span=Span(after, upto))
            listed += [int(each.uid) for each in page.accounts]
            totals += [page.total] if page.total is not None else []
            if (token := page.next_token) is None:
                break
        assert page.is_last

    assert len(marks) < count
    assert len(marks) >= min(count, 23) // 2
    assert listed == [row["id"] for row in await admin.fetch(f"SELECT id FROM {table} ORDER BY id")]
    assert totals == [len(listed)]


async def test_empty_table_has_nothing_to_divide(guard):
    assert await guard.marks("user", count=4) == []


async def test_schema_tells_types_and_rules(guard):
    schema = await guard.schema("user")
    by_name = {attribute.name: attribute for attribute in schema.attributes}

    assert schema.naming == "login"
    assert by_name["login"].required
    assert by_name["login"].unique
    assert by_name["badge"].unique
    assert by_name["flags"].multi_valued
    assert (by_name["hired"].type, by_name["shoeSize"].type, by_name["salary"].type) == ("date", "integer", "number")


@pytest.mark.parametrize("uid", ["no number", "9" * 40, "1.5", "", "1; DROP TABLE x"])
async def test_uid_that_cannot_be_a_key_is_unknown(guard, uid):
    assert await guard.get("user", uid) is None
    with pytest.raises((UnknownUid, InvalidAttributes)):
        await guard.update("user", uid, {"login": "x"})


@pytest.mark.parametrize(
    ("config", "message"),
    [
        pytest.param({"table": "nothing"}, 'no table "nothing"', id="table"),
        pytest.param({"key": "nothing", "naming": "neither"}, "no column neither, nothing", id="columns"),
        pytest.param({"columns": {"a": "nowhere"}}, "no column nowhere", id="mapped column"),
    ],
)
async def test_configuration_that_names_nothing_is_explained(empty_database, admin, config, message):
    async with guard_to(empty_database, **config) as guard:
        with pytest.raises(PermanentError, match=message):
            await guard.test_connection()


async def test_database_that_is_not_there_is_explained(empty_database, admin):
    url = make_url(empty_database.owner_dsn).set(drivername="postgresql", database="nowhere")
    async with guard_to(empty_database, url=url._replace(password=None).render_as_string()) as guard:
        with pytest.raises(PermanentError, match="SQLSTATE 3D000"):
            await guard.test_connection()


async def test_closed_port_is_unavailable(empty_database, admin, unused_tcp_port):
    async with guard_to(empty_database, url=f"postgresql://a@127.0.0.1:{unused_tcp_port}/x") as guard:
        with pytest.raises(TargetUnavailable):
            await guard.test_connection()


async def test_missing_right_is_refused(guard, admin, empty_database):
    await guard.create("user", {"login": "a"}, active=True)
    await admin.execute('REVOKE INSERT ON "Odd Schema"."User Table" FROM provisiond_owner')
    with pytest.raises(AccessRefused):
        await guard.create("user", {"login": "b"}, active=True)


async def test_connections_that_the_server_ended_are_replaced(guard, empty_database):
    """Nobody notices a restart of the database between two calls."""
    uid = await guard.create("user", {"login": "a"}, active=True)
    killer = await asyncpg.connect(empty_database.admin_dsn)
    await killer.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name = 'provisiond' AND datname = current_database()"
    )
    await killer.close()

    assert (await guard.get("user", uid)).uid == uid
    assert await guard.update("user", uid, {"shoeSize": 40}) == uid


async def test_changed_table_is_noticed_by_the_next_call(guard, admin):
    uid = await guard.create("user", {"login": "a", "shoeSize": 40}, active=True)
    await guard.get("user", uid)
    await admin.execute('ALTER TABLE "Odd Schema"."User Table" ALTER COLUMN salary TYPE text, DROP COLUMN profile')
    with pytest.raises((PermanentError, TargetUnavailable)):
        await guard.get("user", uid)
