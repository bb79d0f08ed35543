-- name: get
SELECT * FROM schedules WHERE tenant_id = :tenant_id AND id = :id

-- name: of_connector
SELECT * FROM schedules WHERE tenant_id = :tenant_id AND connector_id = :connector_id

-- name: everyone
SELECT s.*, c.name AS connector_name FROM schedules s
JOIN connectors c ON c.tenant_id = :tenant_id AND c.id = s.connector_id
WHERE s.tenant_id = :tenant_id ORDER BY s.next_run_at

-- name: lock
-- One daemon at a time decides about a schedule.
SELECT * FROM schedules WHERE tenant_id = :tenant_id AND id = :id FOR UPDATE

-- name: put
INSERT INTO schedules (tenant_id, id, connector_id, mode, frequency, day_of_week, day_of_month, hour_of_day,
    cron_expression, timezone, missed_run_policy, jitter_seconds, enabled, next_run_at)
VALUES (:tenant_id, :id, :connector_id, :mode, :frequency, :day_of_week, :day_of_month, :hour_of_day,
    :cron_expression, :timezone, :missed_run_policy, :jitter_seconds, :enabled, :next_run_at)
ON CONFLICT (tenant_id, connector_id) DO UPDATE SET mode = EXCLUDED.mode, frequency = EXCLUDED.frequency,
    day_of_week = EXCLUDED.day_of_week, day_of_month = EXCLUDED.day_of_month, hour_of_day = EXCLUDED.hour_of_day,
    cron_expression = EXCLUDED.cron_expression, timezone = EXCLUDED.timezone,
    missed_run_policy = EXCLUDED.missed_run_policy, jitter_seconds = EXCLUDED.jitter_seconds,
    enabled = EXCLUDED.enabled, next_run_at = EXCLUDED.next_run_at, version = schedules.version + 1,
    updated_at = db_now()
RETURNING id

-- name: fired
UPDATE schedules SET last_run_at = :fired_at, next_run_at = :next_run_at, last_skip_reason = :skip_reason
WHERE tenant_id = :tenant_id AND id = :id

-- name: now
SELECT db_now()
