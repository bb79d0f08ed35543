from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from tests.conformance.gate import gate_to
from tests.conformance.targets import Target

TABLE = """
CREATE TABLE app_users (
    login varchar(20000) PRIMARY KEY,
    given_name text,
    family_name text NOT NULL,
    mail text UNIQUE,
    title text,
    groups text[],
    is_enabled boolean NOT NULL DEFAULT true,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.changed_at := clock_timestamp(); RETURN NEW; END';
CREATE TRIGGER stamp BEFORE UPDATE ON app_users FOR EACH ROW EXECUTE FUNCTION stamp();
"""


@pytest.fixture
async def sql_target(empty_database: Any) -> AsyncIterator[Target]:
    """A table in a database of its own."""
    connection = await asyncpg.connect(empty_database.owner_dsn)
    await connection.execute(TABLE)
    await connection.close()
    url = make_url(empty_database.owner_dsn)
    async with gate_to(url.host or "127.0.0.1", url.port or 5432) as gate:
        through = url.set(drivername="postgresql", host="127.0.0.1", port=gate.port)._replace(password=None)
        yield Target(
            type="sql",
            config={
                "url": through.render_as_string(),
                "table": "app_users",
                "key": "login",
                "active_column": "is_enabled",
                "changed_column": "changed_at",
            },
            credentials={"password": url.password or ""},
            bad_credentials={"password": "wrong"},
            gate=gate,
            naming="login",
            text="title",
            multi_valued="groups",
            unknown_uid="nobody",
            person=person,
        )


def person(name: str) -> dict[str, Any]:
    return {"login": name, "given_name": "Zoë", "family_name": "Müller", "mail": f"{name}@example.com", "title": "Dr."}
