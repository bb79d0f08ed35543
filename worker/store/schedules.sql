-- name: of_connector
SELECT * FROM schedules WHERE tenant_id = :tenant_id AND connector_id = :connector_id

-- name: lock
-- One daemon, or one person, at a time decides about a schedule.
SELECT * FROM schedules WHERE tenant_id = :tenant_id AND id = :id FOR UPDATE

-- name: lock_of_connector
SELECT * FROM schedules WHERE tenant_id = :tenant_id AND connector_id = :connector_id FOR UPDATE

-- name: page
-- Schedules with their connectors and the latest of their occurrences, the next one first, what is off at the end.
SELECT s.*, c.name AS connector_name, c.status AS connector_status, c.is_target,
    o.fire_at AS last_fire_at, o.decided_at AS last_decided_at, o.reason AS last_reason, o.message AS last_message,
    o.run_id AS last_run_id, o.passed AS last_passed, r.status AS last_run_status
FROM schedules s
JOIN connectors c ON c.tenant_id = :tenant_id AND c.id = s.connector_id
LEFT JOIN LATERAL (
    SELECT p.* FROM schedule_occurrences p WHERE p.tenant_id = :tenant_id AND p.schedule_id = s.id
    ORDER BY p.fire_at DESC LIMIT 1) o ON true
LEFT JOIN runs r ON r.tenant_id = :tenant_id AND r.id = o.run_id
WHERE s.tenant_id = :tenant_id AND (:connector_id::uuid IS NULL OR s.connector_id = :connector_id)
  AND (:enabled::boolean IS NULL OR s.enabled = :enabled)
ORDER BY s.next_run_at NULLS LAST, s.id LIMIT :limit OFFSET :offset

-- name: count
SELECT count(*) FROM schedules s WHERE s.tenant_id = :tenant_id AND (:enabled::boolean IS NULL OR s.enabled = :enabled)

-- name: put
INSERT INTO schedules (tenant_id, id, connector_id, mode, frequency, day_of_week, day_of_month, hour_of_day,
    cron_expression, timezone, missed_run_policy, jitter_seconds, blackouts, enabled, next_run_at)
VALUES (:tenant_id, :id, :connector_id, :mode, :frequency, :day_of_week, :day_of_month, :hour_of_day,
    :cron_expression, :timezone, :missed_run_policy, :jitter_seconds, :blackouts, :enabled, :next_run_at)
ON CONFLICT (tenant_id, connector_id) DO UPDATE SET mode = EXCLUDED.mode, frequency = EXCLUDED.frequency,
    day_of_week = EXCLUDED.day_of_week, day_of_month = EXCLUDED.day_of_month, hour_of_day = EXCLUDED.hour_of_day,
    cron_expression = EXCLUDED.cron_expression, timezone = EXCLUDED.timezone,
    missed_run_policy = EXCLUDED.missed_run_policy, jitter_seconds = EXCLUDED.jitter_seconds,
    blackouts = EXCLUDED.blackouts, enabled = EXCLUDED.enabled, next_run_at = EXCLUDED.next_run_at,
    version = schedules.version + 1, updated_at = db_now()
RETURNING id

-- name: delete
WITH gone AS (
    DELETE FROM schedule_occurrences o WHERE o.tenant_id = :tenant_id AND o.schedule_id = :id
)
DELETE FROM schedules s WHERE s.tenant_id = :tenant_id AND s.id = :id

-- name: decided
-- What became of an occurrence, once for each, and when the next one is.
WITH noted AS (
    INSERT INTO schedule_occurrences (tenant_id, schedule_id, fire_at, decided_at, outcome, reason, message, run_id,
        passed)
    VALUES (:tenant_id, :id, :fire_at, :decided_at, CASE WHEN :reason::text IS NULL THEN 'started' ELSE 'skipped' END,
        :reason, :message, :run_id, :passed)
    ON CONFLICT DO NOTHING
)
UPDATE schedules SET next_run_at = :next_run_at, last_skip_reason = :message,
    last_run_at = CASE WHEN :reason::text IS NULL THEN :decided_at ELSE last_run_at END
WHERE tenant_id = :tenant_id AND id = :id

-- name: set_next
UPDATE schedules SET next_run_at = :next_run_at WHERE tenant_id = :tenant_id AND id = :id

-- name: forget_old
-- The newest are kept.
DELETE FROM schedule_occurrences WHERE tenant_id = :tenant_id AND schedule_id = :id AND fire_at < (
    SELECT o.fire_at FROM schedule_occurrences o WHERE o.tenant_id = :tenant_id AND o.schedule_id = :id
    ORDER BY o.fire_at DESC LIMIT 1 OFFSET :keep)

-- name: last_decided
SELECT max(fire_at) FROM schedule_occurrences WHERE tenant_id = :tenant_id AND schedule_id = :id

-- name: occurrences
SELECT o.*, r.status AS run_status FROM schedule_occurrences o
LEFT JOIN runs r ON r.tenant_id = :tenant_id AND r.id = o.run_id
WHERE o.tenant_id = :tenant_id AND o.schedule_id = :id
ORDER BY o.fire_at DESC LIMIT :limit OFFSET :offset

-- name: count_occurrences
SELECT count(*) FROM schedule_occurrences WHERE tenant_id = :tenant_id AND schedule_id = :id

-- name: now
SELECT db_now()
