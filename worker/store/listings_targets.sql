-- name: connectors
SELECT id, name, type, description, status, is_target, is_source, object_class, baseline_at, breaker_state,
    breaker_opened_at, last_success_at, last_error, last_error_at, version,
    is_target AND baseline_at IS NULL AND settings -> 'require_baseline' IS DISTINCT FROM 'false' AS lacks_baseline,
    credentials IS NOT NULL AS has_credentials
FROM connectors WHERE tenant_id = :tenant_id AND (:id::uuid IS NULL OR id = :id) ORDER BY name

-- name: dead
SELECT connector_id, error_code, count(*) AS n, max(dead_at) AS latest FROM dead_letters
WHERE tenant_id = :tenant_id GROUP BY connector_id, error_code ORDER BY count(*) DESC

-- name: open_findings
SELECT connector_id, discrepancy_type, count(*) AS n FROM discrepancies
WHERE tenant_id = :tenant_id AND resolution_status = 'pending' GROUP BY connector_id, discrepancy_type

-- name: accounts
SELECT connector_id, count(*) AS n FROM accounts
WHERE tenant_id = :tenant_id AND uid IS NOT NULL AND state <> 'dead' GROUP BY connector_id

-- name: people
SELECT count(*) FROM identities WHERE tenant_id = :tenant_id AND deleted_at IS NULL

-- name: schedules
SELECT connector_id, next_run_at, frequency, mode, day_of_week, day_of_month, hour_of_day, cron_expression, timezone,
    enabled
FROM schedules WHERE tenant_id = :tenant_id AND enabled

-- name: badges
SELECT (SELECT count(*) FROM dead_letters WHERE tenant_id = :tenant_id) AS dead_letters,
    (SELECT count(*) FROM cases WHERE tenant_id = :tenant_id AND status = 'open') AS cases,
    (SELECT count(*) FROM approvals WHERE tenant_id = :tenant_id AND status = 'open') AS approvals,
    (SELECT count(*) FROM conflicts WHERE tenant_id = :tenant_id AND status = 'pending') AS conflicts

-- name: completed
-- What completed in some hours: by connector and hour. Whole partitions of other days are left out.
SELECT connector_id, date_trunc('hour', completed_at, 'UTC') AS hour, count(*) AS n FROM operations_archive
WHERE tenant_id = :tenant_id AND status = 'completed' AND completed_day >= (:since::timestamptz AT TIME ZONE 'UTC')::date
  AND completed_at >= :since AND completed_at < :until::timestamptz
GROUP BY 1, 2

-- name: failed
-- Tries that failed in some hours, those that were given up apart.
SELECT date_trunc('hour', completed_at, 'UTC') AS hour, count(*) AS n,
    count(*) FILTER (WHERE outcome = 'dead_letter') AS dead
FROM attempts
WHERE tenant_id = :tenant_id AND day >= (:since::timestamptz AT TIME ZONE 'UTC')::date AND completed_at >= :since
  AND completed_at < :until::timestamptz AND outcome IN ('failed', 'dead_letter', 'lost')
GROUP BY 1

-- name: markers
-- Cheap signs that something has changed, by topic.
SELECT (SELECT concat(count(*), max(o.updated_at)) FROM (
            SELECT updated_at FROM operations WHERE tenant_id = :tenant_id ORDER BY id DESC LIMIT 200) o) AS live,
    (SELECT a.id::text FROM operations_archive a WHERE a.tenant_id = :tenant_id
        AND a.completed_day >= (db_now() AT TIME ZONE 'UTC')::date - 1
        ORDER BY a.id DESC LIMIT 1) AS finished,
    (SELECT concat(count(*), max(dead_at)) FROM dead_letters WHERE tenant_id = :tenant_id) AS dead,
    (SELECT string_agg(concat(status, accounts_processed, discrepancies_found, phase, pause_requested), ',')
        FROM (SELECT * FROM runs WHERE tenant_id = :tenant_id ORDER BY id DESC LIMIT 10) r) AS runs,
    (SELECT concat(count(*), max(last_seen_at)) FROM discrepancies
        WHERE tenant_id = :tenant_id AND resolution_status = 'pending') AS discrepancies,
    (SELECT count(*)::text FROM cases WHERE tenant_id = :tenant_id AND status = 'open') AS cases,
    (SELECT concat(count(*), sum(held)) FROM approvals WHERE tenant_id = :tenant_id AND status = 'open') AS approvals,
    (SELECT count(*)::text FROM conflicts WHERE tenant_id = :tenant_id AND status = 'pending') AS conflicts,
    (SELECT string_agg(concat(status, breaker_state, version, baseline_at), ',' ORDER BY id)
        FROM connectors WHERE tenant_id = :tenant_id) AS connectors,
    (SELECT n::text FROM audit_heads WHERE tenant_id = :tenant_id) AS acts
