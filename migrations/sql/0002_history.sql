-- What a later version may say, and how history is kept for a time without anybody waiting for it.

-- A later version may know more kinds and states of operations. Processes of this one leave those rows alone, so a
-- check would only keep the two from running side by side.
ALTER TABLE operations DROP CONSTRAINT operations_operation_type_check, DROP CONSTRAINT operations_status_check;
ALTER TABLE operations_archive DROP CONSTRAINT operations_archive_status_check;

-- Old keys are found by their age, a few at a time.
CREATE INDEX idempotency_keys_age ON idempotency_keys (tenant_id, created_at);

-- The two functions keep their names: a process of the step before calls them too. Whatever lock they need and do not
-- have within a tenth of a second they do without until the next time, for whoever finishes an operation waits behind
-- them.

-- A partition is made beside its parent and then attached, which nobody who writes to the parent waits for. A day that
-- the default partition has rows of already stays there.
CREATE OR REPLACE FUNCTION ensure_partitions(first_day date, days integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '100ms' AS $$
DECLARE
    parent text;
    name text;
    part_of text;
    day date;
    is_begun boolean;
    made integer := 0;
BEGIN
    IF days NOT BETWEEN 1 AND 400 THEN
        RAISE EXCEPTION 'days must be between 1 and 400';
    END IF;
    PERFORM pg_advisory_xact_lock(4711001);
    FOR parent, part_of IN VALUES
        ('operations_archive', 'completed_day'), ('operation_counts', 'completed_day'), ('attempts', 'day'),
        ('operation_logs', 'day')
    LOOP
        FOR day IN SELECT first_day + n FROM generate_series(0, days - 1) n LOOP
            name := parent || to_char(day, '_YYYYMMDD');
            CONTINUE WHEN to_regclass(format('%I', name)) IS NOT NULL;
            EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I = $1)', parent || '_rest', part_of)
                INTO is_begun USING day;
            CONTINUE WHEN is_begun;
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', name, parent);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, name, day, day + 1);
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;

-- One partition a call, the oldest: its parent is locked until the end of the transaction, and must not be while the
-- lock of the next one is waited for.
CREATE OR REPLACE FUNCTION drop_partitions(before_day date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '100ms' AS $$
DECLARE
    parent text;
    child text;
BEGIN
    IF before_day > current_date - 7 THEN
        RAISE EXCEPTION 'history younger than seven days is not dropped';
    END IF;
    IF NOT pg_try_advisory_xact_lock(4711002) THEN
        RETURN 0;
    END IF;
    SELECT p.relname, c.relname INTO parent, child
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
    WHERE p.relname IN ('operations_archive', 'operation_counts', 'attempts', 'operation_logs')
      AND p.relnamespace = current_schema()::regnamespace
      AND c.relname ~ '_\d{8}$' AND to_date(right(c.relname, 8), 'YYYYMMDD') < before_day
    ORDER BY right(c.relname, 8), p.relname LIMIT 1;
    IF child IS NULL THEN
        RETURN 0;
    END IF;
    -- in the order in which readers lock them, so that nobody waits in a circle
    EXECUTE format('LOCK TABLE ONLY %I IN ACCESS EXCLUSIVE MODE', parent);
    EXECUTE format('DROP TABLE %I', child);
    RETURN 1;
END
$$;

-- What the default partitions hold of older days, for the daemon may not delete history: at most so many rows of each.
CREATE FUNCTION drop_rest(tenant uuid, before_day date, most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '100ms' AS $$
DECLARE
    rest text;
    part_of text;
    rest_key text;
    n integer;
    dropped integer := 0;
BEGIN
    IF before_day > current_date - 7 THEN
        RAISE EXCEPTION 'history younger than seven days is not dropped';
    END IF;
    FOR rest, part_of, rest_key IN VALUES
        ('operations_archive_rest', 'completed_day', 'completed_day, id'),
        ('operation_counts_rest', 'completed_day', 'completed_day, id'),
        ('attempts_rest', 'day', 'day, operation_id, epoch'),
        ('operation_logs_rest', 'day', 'day, operation_id, id')
    LOOP
        EXECUTE format('DELETE FROM %1$I WHERE tenant_id = $1 AND (%3$s) IN (
            SELECT %3$s FROM %1$I WHERE tenant_id = $1 AND %2$I < $2 LIMIT $3)', rest, part_of, rest_key)
            USING tenant, before_day, most;
        GET DIAGNOSTICS n = ROW_COUNT;
        dropped := dropped + n;
    END LOOP;
    RETURN dropped;
END
$$;

REVOKE ALL ON FUNCTION drop_rest(uuid, date, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_rest(uuid, date, integer) TO provisiond_worker;

-- Tables that came with this step have no days yet.
SELECT ensure_partitions(current_date, 14);
