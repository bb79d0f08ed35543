-- name: tenants
SELECT id, name FROM tenants WHERE :only::uuid IS NULL OR id = :only ORDER BY id

-- name: house
-- Each tenant beside the number of processes at work; of no tenant one row with that number.
SELECT n.at_work, t.id FROM (SELECT count(*) AS at_work FROM workers w WHERE w.expires_at > db_now()) AS n
LEFT JOIN tenants t ON :only::uuid IS NULL OR t.id = :only ORDER BY t.id

-- name: workers
SELECT id, host, pid, version, roles, started_at, beat_at, expires_at, is_draining FROM workers
WHERE expires_at > db_now() ORDER BY started_at

-- name: waits
-- What waits for whom, a row of each: dead letters and open cases of each target, events, and one operation if there is
-- any. It is looked for in the order of the key, for where there is none nothing else ends soon.
SELECT 'dead_letters' AS what, c.id AS connector_id, c.name AS connector, coalesce(d.n, 0) AS n FROM connectors c
LEFT JOIN (SELECT l.connector_id, count(*) AS n FROM dead_letters l WHERE l.tenant_id = :tenant_id
           GROUP BY l.connector_id) d ON d.connector_id = c.id
WHERE c.tenant_id = :tenant_id
UNION ALL
SELECT 'open_cases', c.id, c.name, count(k.id) FROM connectors c
LEFT JOIN cases k ON k.tenant_id = :tenant_id AND k.connector_id = c.id AND k.status = 'open'
WHERE c.tenant_id = :tenant_id GROUP BY c.id, c.name
UNION ALL
SELECT 'inbox', NULL, NULL, count(*) FROM inbox WHERE tenant_id = :tenant_id AND status = 'received'
UNION ALL
SELECT 'operations', NULL, NULL, count(*)
FROM (SELECT o.id FROM operations o WHERE o.tenant_id = :tenant_id ORDER BY o.id LIMIT 1) AS first

-- name: held_since
-- When the claim was made that is held longest; planned with its values, for only then its notes lead to it.
SELECT min(o.updated_at) FROM operations o
WHERE o.tenant_id = :tenant_id AND o.status = 'in_progress'
  AND (NOT :all_noted::boolean
       OR o.id = ANY(ARRAY(SELECT unnest(c.operation_ids) FROM claims c WHERE c.tenant_id = :tenant_id)))

-- part: hot_table
-- The statistics of the queue's own table, which PostgreSQL keeps: reading them costs the same however large it is.
SELECT n_live_tup AS live_rows, n_dead_tup AS dead_rows, coalesce(last_autovacuum, last_vacuum) AS vacuumed_at
FROM pg_stat_user_tables WHERE relid = to_regclass('operations')

-- part: horizon
-- Whose view of the past keeps dead rows from being removed, the oldest first: a session, a prepared transaction, or a
-- replication slot. Other databases of the server have no part in it; a standby, which is in none, has. What a session
-- of another role does is only shown to those with the role pg_read_all_stats.
SELECT found.kind, found.pid, found.application, found.state, age(found.xmin)::bigint AS transactions,
    extract(epoch FROM clock_timestamp() - found.since)::float8 AS seconds
FROM (
    SELECT CASE WHEN s.usename = current_user THEN 'ours' ELSE 'other' END AS kind, s.pid,
        s.application_name AS application, s.state, s.backend_xmin AS xmin, s.xact_start AS since
    FROM pg_stat_activity s WHERE s.backend_xmin IS NOT NULL AND s.pid <> pg_backend_pid()
        AND coalesce(s.datname, current_database()) = current_database()
    UNION ALL
    SELECT 'prepared', NULL, p.gid, NULL, p.transaction, p.prepared FROM pg_prepared_xacts p
    WHERE p.database = current_database()
    UNION ALL
    SELECT 'slot', r.active_pid, r.slot_name::text, NULL, r.xmin, NULL FROM pg_replication_slots r
    WHERE r.xmin IS NOT NULL) AS found
ORDER BY age(found.xmin) DESC LIMIT 1

-- part: history
-- The first and the last day that the archive has a partition of.
SELECT min(to_date(right(c.relname, 8), 'YYYYMMDD')) AS first_day, max(to_date(right(c.relname, 8), 'YYYYMMDD')) AS last_day
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = to_regclass('operations_archive') AND c.relname ~ '_[0-9]{8}$'

-- name: storage
-- All of it in one row.
SELECT * FROM ({history}) AS days LEFT JOIN ({hot_table}) AS rows ON true LEFT JOIN ({horizon}) AS oldest ON true

-- name: connectors
SELECT name, type, status, breaker_state, baseline_at IS NOT NULL AS has_baseline, last_success_at, last_error
FROM connectors WHERE tenant_id = :tenant_id ORDER BY name
