"""Writes down every move of an operation as the database sees it, in the transaction that makes it."""

import asyncpg

DDL = """
CREATE TABLE kit_events (
    n bigserial PRIMARY KEY, operation_id uuid NOT NULL, before text, after text, epoch integer NOT NULL, owner uuid,
    attempt_number integer NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE FUNCTION kit_observe() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF tg_op = 'INSERT' THEN
        INSERT INTO kit_events (operation_id, after, epoch, owner, attempt_number)
        VALUES (NEW.id, NEW.status, NEW.epoch, NEW.owner, NEW.attempt_number);
    ELSIF tg_op = 'DELETE' THEN
        INSERT INTO kit_events (operation_id, before, epoch, owner, attempt_number)
        VALUES (OLD.id, OLD.status, OLD.epoch, OLD.owner, OLD.attempt_number);
    ELSIF NEW.status <> OLD.status OR NEW.epoch <> OLD.epoch THEN
        INSERT INTO kit_events (operation_id, before, after, epoch, owner, attempt_number)
        VALUES (NEW.id, OLD.status, NEW.status, NEW.epoch, coalesce(NEW.owner, OLD.owner), NEW.attempt_number);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER kit_observe AFTER INSERT OR UPDATE OR DELETE ON operations FOR EACH ROW EXECUTE FUNCTION kit_observe();
"""


async def prepare(admin_dsn: str) -> None:
    """Put the observer into a migrated database, as its superuser."""
    conn = await asyncpg.connect(admin_dsn)
    try:
        await conn.execute(DDL)
    finally:
        await conn.close()
