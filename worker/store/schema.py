"""Which step the schema is at, and whether this code may serve on it; a daemon needs nothing of the migrations."""

from dataclasses import dataclass

from worker.store.pool import Connection

#: The number of the last migration that this code was written for.
CODE_NUMBER = 6


@dataclass(frozen=True, slots=True)
class SchemaState:
    """``applied`` is the last migration in the database (0: none), ``oldest_code`` the oldest code it still serves."""

    applied: int
    oldest_code: int


async def state(conn: Connection) -> SchemaState:
    """What the database holds; ``applied`` 0 where nothing was ever migrated."""
    if await conn.fetchval("SELECT to_regclass('schema_versions')") is None:
        return SchemaState(0, 0)
    row = await conn.fetchrow(
        "SELECT coalesce(max(number), 0) AS applied, coalesce(max(oldest_code), 0) AS oldest FROM schema_versions"
    )
    return SchemaState(row["applied"], row["oldest"]) if row else SchemaState(0, 0)


def refusal(found: SchemaState, *, code: int = CODE_NUMBER) -> str | None:
    """Why this code must not serve on that schema, or None when it may.

    Behind: run the migration. Ahead: fine as long as every later step left room for this code.
    """
    if found.applied < code:
        return f"The schema is at step {found.applied}, this version needs step {code}: run `provisiond migrate`."
    if found.oldest_code > code:
        return f"The schema is at step {found.applied} and no longer serves this version: upgrade provisiond."
    return None
