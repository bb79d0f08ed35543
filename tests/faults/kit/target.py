"""The target: an application's table that keeps its own ledger of what was done to it, in a database of its own.

Every change carries a rank that rises with each operation of an account, in one of several columns in turn, so that
changes which wait for one account do not disagree. The application can dedupe: a rank that it has already is no second
effect, one below the highest is refused; both are written down as they come.
"""

from dataclasses import dataclass

import asyncpg

COLUMNS = 16
_NEW, _OLD = (", ".join(f"{row}.r{n}" for n in range(COLUMNS)) for row in ("NEW", "OLD"))
DDL = f"""
CREATE TABLE people (login text PRIMARY KEY, {", ".join(f"r{n} bigint NOT NULL DEFAULT 0" for n in range(COLUMNS))});
CREATE TABLE ledger (
    n bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(), login text NOT NULL, verb text NOT NULL,
    before bigint, wanted bigint, verdict text NOT NULL);
CREATE FUNCTION keep_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    highest bigint := CASE WHEN tg_op = 'UPDATE' THEN greatest({_OLD}) END;
    wanted bigint := greatest({_NEW});
BEGIN
    IF tg_op = 'UPDATE' AND NEW = OLD THEN
        INSERT INTO ledger (login, verb, before, wanted, verdict)
        VALUES (NEW.login, 'update', highest, highest, 'again');
    ELSIF tg_op = 'UPDATE' AND wanted <= highest THEN
        INSERT INTO ledger (login, verb, before, wanted, verdict)
        VALUES (NEW.login, 'update', highest, least({_NEW}), 'late');
        RETURN OLD;
    ELSE
        INSERT INTO ledger (login, verb, before, wanted, verdict)
        VALUES (NEW.login, lower(tg_op), highest, wanted, 'applied');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger BEFORE INSERT OR UPDATE ON people FOR EACH ROW EXECUTE FUNCTION keep_ledger();
"""


def column_of(rank: int) -> str:
    """Where this rank is written."""
    return f"r{rank % COLUMNS}"


@dataclass(frozen=True, slots=True)
class Effect:
    """One line of the ledger."""

    n: int
    login: str
    rank: int
    verdict: str


async def prepare(dsn: str) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(DDL)
    finally:
        await conn.close()


async def ledger(dsn: str) -> list[Effect]:
    """Every line, in the order in which the application wrote them."""
    conn = await asyncpg.connect(dsn)
    try:
        rows = await conn.fetch("SELECT n, login, wanted, verdict FROM ledger ORDER BY n")
    finally:
        await conn.close()
    return [Effect(row["n"], row["login"], row["wanted"], row["verdict"]) for row in rows]
