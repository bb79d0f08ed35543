-- name: lock
-- One row per target; whoever divides it holds it for a moment, and sees what the one before has written.
INSERT INTO target_shares (tenant_id, connector_id) VALUES (:tenant_id, :connector_id)
ON CONFLICT (tenant_id, connector_id) DO UPDATE SET ramp = target_shares.ramp
RETURNING holders, ramp, extract(epoch FROM db_now())::float8 AS now

-- name: alive
-- Of these processes, those with a live lease.
SELECT id FROM workers WHERE id = ANY(:ids::uuid[]) AND expires_at > db_now()

-- name: write
UPDATE target_shares SET holders = :holders
WHERE tenant_id = :tenant_id AND connector_id = :connector_id

-- name: set_ramp
UPDATE target_shares SET ramp = :ramp
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND ramp <> :ramp::integer

-- name: hold
-- The target asked to be left alone: for the longest of what it said.
INSERT INTO target_shares (tenant_id, connector_id, held_until)
VALUES (:tenant_id, :connector_id, db_now() + make_interval(secs => :seconds::float8))
ON CONFLICT (tenant_id, connector_id) DO UPDATE SET held_until = EXCLUDED.held_until
WHERE target_shares.held_until IS NULL OR target_shares.held_until < EXCLUDED.held_until

-- name: standing
-- How a target is to be treated now, by everybody.
SELECT c.breaker_state, c.breaker_failures, c.breaker_opened_at, c.breaker_probe_at, coalesce(s.ramp, 1) AS ramp,
    greatest(extract(epoch FROM s.held_until - db_now()), 0)::float8 AS held_s
FROM connectors c LEFT JOIN target_shares s ON s.tenant_id = :tenant_id AND s.connector_id = c.id
WHERE c.tenant_id = :tenant_id AND c.id = :connector_id

-- name: lock_breaker
-- Its row decides, for all processes: five failures in a row are counted wherever they happen.
SELECT id FROM connectors WHERE tenant_id = :tenant_id AND id = :connector_id FOR NO KEY UPDATE
