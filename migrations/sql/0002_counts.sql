-- How many operations ended, so that totals need not read the archive. Whoever archives operations adds a row for each
-- hour of their making, connector, type and status; a duty folds the rows of one kind together. Parted by the same days
-- as the archive and dropped with them.
CREATE TABLE operation_counts (
    tenant_id uuid NOT NULL,
    completed_day date NOT NULL,
    -- of one of the operations counted here: each ends once
    id uuid NOT NULL,
    made_hour timestamptz NOT NULL,
    connector_id uuid NOT NULL,
    operation_type text NOT NULL,
    status text NOT NULL,
    n bigint NOT NULL,
    PRIMARY KEY (tenant_id, completed_day, id)
) PARTITION BY RANGE (completed_day);

CREATE TABLE operation_counts_rest PARTITION OF operation_counts DEFAULT;
GRANT SELECT, INSERT, DELETE ON operation_counts TO provisiond_worker;

-- How many operations live: as many more when they are accepted or come back, as many less when they end or are given up.
-- Folded by the same duty, and set right by it from time to time, for a process of the step before counts nothing.
CREATE TABLE live_counts (
    tenant_id uuid NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    made_hour timestamptz NOT NULL,
    connector_id uuid NOT NULL,
    operation_type text NOT NULL,
    n bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

GRANT SELECT, INSERT, DELETE ON live_counts TO provisiond_worker;

-- What was archived before there were counts, or by a process of the step before, is counted where it is.
ALTER TABLE operations_archive ADD COLUMN is_counted boolean NOT NULL DEFAULT false;
CREATE INDEX operations_archive_uncounted ON operations_archive (tenant_id, connector_id, operation_type, status)
    WHERE NOT is_counted;

CREATE OR REPLACE FUNCTION ensure_partitions(first_day date, days integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    parent text;
    day date;
    made integer := 0;
BEGIN
    IF days NOT BETWEEN 1 AND 400 THEN
        RAISE EXCEPTION 'days must be between 1 and 400';
    END IF;
    PERFORM pg_advisory_xact_lock(4711001);
    FOREACH parent IN ARRAY ARRAY['operations_archive', 'operation_counts', 'attempts', 'operation_logs'] LOOP
        FOR day IN SELECT first_day + n FROM generate_series(0, days - 1) n LOOP
            IF to_regclass(format('%I', parent || to_char(day, '_YYYYMMDD'))) IS NULL THEN
                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                    parent || to_char(day, '_YYYYMMDD'), parent, day, day + 1);
                made := made + 1;
            END IF;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;

CREATE OR REPLACE FUNCTION drop_partitions(before_day date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    child text;
    dropped integer := 0;
BEGIN
    IF before_day > current_date - 7 THEN
        RAISE EXCEPTION 'history younger than seven days is not dropped';
    END IF;
    FOR child IN
        SELECT c.relname FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
        WHERE p.relname IN ('operations_archive', 'operation_counts', 'attempts', 'operation_logs')
          AND c.relname ~ '_\d{8}$' AND to_date(right(c.relname, 8), 'YYYYMMDD') < before_day
    LOOP
        EXECUTE format('DROP TABLE %I', child);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;

SELECT ensure_partitions(current_date, 14);
