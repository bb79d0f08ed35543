"""Every statement against the schema as it is: names, types and rights."""

from typing import Any

import asyncpg

from tests.unit.store.test_rules import STATEMENTS


async def test_every_statement_can_be_prepared_by_the_daemon(database: Any) -> None:
    """What a test has not run yet would fail in the middle of somebody's night."""
    refused: list[str] = []
    conn = await asyncpg.connect(database.daemon_dsn)
    try:
        for name, query in STATEMENTS.items():
            try:
                await conn.prepare(query.text)
            except asyncpg.PostgresError as error:
                refused.append(f"{name}: {error}")
    finally:
        await conn.close()

    assert refused == []
    assert len(STATEMENTS) > 100
