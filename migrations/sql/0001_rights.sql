-- Tenants see their own rows only; the policy is forced, so it binds the owner too.

DO $$
DECLARE name text;
BEGIN
    FOR name IN
        SELECT c.relname FROM pg_class c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
          AND c.relname <> 'due_work'
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY tenant ON %I USING (tenant_id = NULLIF(current_setting(''app.tenant_id'', true), '''')::uuid)', name);
    END LOOP;
END
$$;

-- Partitions are made ahead of time by functions of the owner: the daemon's role owns nothing.

CREATE FUNCTION ensure_partitions(first_day date, days integer) RETURNS integer
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
    FOREACH parent IN ARRAY ARRAY['operations_archive', 'attempts', 'operation_logs'] LOOP
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

CREATE FUNCTION drop_partitions(before_day date) RETURNS integer
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
        WHERE p.relname IN ('operations_archive', 'attempts', 'operation_logs')
          AND c.relname ~ '_\d{8}$' AND to_date(right(c.relname, 8), 'YYYYMMDD') < before_day
    LOOP
        EXECUTE format('DROP TABLE %I', child);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;

REVOKE ALL ON FUNCTION ensure_partitions(date, integer), drop_partitions(date) FROM PUBLIC;

-- The rows of days without a partition of their own still have a place.
CREATE TABLE operations_archive_rest PARTITION OF operations_archive DEFAULT;
CREATE TABLE attempts_rest PARTITION OF attempts DEFAULT;
CREATE TABLE operation_logs_rest PARTITION OF operation_logs DEFAULT;
SELECT ensure_partitions(current_date, 14);

GRANT EXECUTE ON FUNCTION ensure_partitions(date, integer), drop_partitions(date), db_now() TO provisiond_worker;
GRANT SELECT ON schema_versions, alembic_version TO provisiond_worker;
GRANT SELECT, INSERT ON tenants TO provisiond_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON workers, due_work TO provisiond_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    principals, role_grants, tokens, sessions, identities, plan_items, planned_targets, connectors, mapping_versions,
    accounts,    match_keys, operations, dead_letters, idempotency_keys, removal_counts, approvals, runs, run_checkpoints,
    discrepancies, recon_actions, schedules, rule_sets, cases, decisions, hooks, hook_versions, bindings, inbox
    TO provisiond_worker;
-- History is append-only for the daemon.
GRANT SELECT, INSERT ON operations_archive, attempts, operation_logs, audit TO provisiond_worker;
GRANT SELECT, INSERT, UPDATE ON audit_heads TO provisiond_worker;
