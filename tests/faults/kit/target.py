"""The target: an application's table that keeps its own ledger of what was done to it, in a database of its own.

Every change carries a rank that rises with each operation of an account. The application can dedupe: a rank that it
has already is no second effect, an older one is refused; both are written down as they come.
"""

from dataclasses import dataclass

import asyncpg

DDL = """
CREATE TABLE people (login text PRIMARY KEY, rank bigint NOT NULL);
CREATE TABLE ledger (
    n bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(), login text NOT NULL, verb text NOT NULL,
    before bigint, wanted bigint, verdict text NOT NULL);
CREATE FUNCTION keep_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'INSERT' THEN
        INSERT INTO ledger (login, verb, wanted, verdict) VALUES (NEW.login, 'create', NEW.rank, 'applied');
    ELSIF NEW.rank > OLD.rank THEN
        INSERT INTO ledger (login, verb, before, wanted, verdict)
        VALUES (NEW.login, 'update', OLD.rank, NEW.rank, 'applied');
    ELSE
        INSERT INTO ledger (login, verb, before, wanted, verdict) VALUES (NEW.login, 'update', OLD.rank, NEW.rank,
            CASE WHEN NEW.rank = OLD.rank THEN 'again' ELSE 'late' END);
        NEW.rank := OLD.rank;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger BEFORE INSERT OR UPDATE ON people FOR EACH ROW EXECUTE FUNCTION keep_ledger();
"""


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
