-- name: tenants
SELECT id, name FROM tenants WHERE :only::uuid IS NULL OR id = :only ORDER BY id

-- name: workers
SELECT id, host, pid, version, roles, started_at, beat_at, expires_at, is_draining FROM workers
WHERE expires_at > db_now() ORDER BY started_at

-- name: depth
-- Live operations by what people are told they are: what is pending behind a closed target (see ``closed`` of the
-- listings) counts as awaiting_system.
SELECT c.name AS connector, s.status, count(*) AS n, min(o.created_at) AS oldest
FROM operations o
JOIN connectors c ON c.tenant_id = :tenant_id AND c.id = o.connector_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN o.status = 'pending' AND (c.status <> 'active' OR c.breaker_state = 'open'
            OR (c.is_target AND c.baseline_at IS NULL AND c.settings -> 'require_baseline' IS DISTINCT FROM 'false'))
        THEN 'awaiting_system' ELSE o.status END AS status) s
WHERE o.tenant_id = :tenant_id
GROUP BY c.name, s.status

-- name: dead
SELECT c.name AS connector, count(d.id) AS n FROM connectors c
LEFT JOIN dead_letters d ON d.tenant_id = :tenant_id AND d.connector_id = c.id
WHERE c.tenant_id = :tenant_id GROUP BY c.name

-- name: cases
SELECT c.name AS connector, count(k.id) AS n FROM connectors c
LEFT JOIN cases k ON k.tenant_id = :tenant_id AND k.connector_id = c.id AND k.status = 'open'
WHERE c.tenant_id = :tenant_id GROUP BY c.name

-- name: connectors
SELECT name, type, status, breaker_state, baseline_at IS NOT NULL AS has_baseline, last_success_at, last_error
FROM connectors WHERE tenant_id = :tenant_id ORDER BY name

-- name: inbox
SELECT count(*) FROM inbox WHERE tenant_id = :tenant_id AND status = 'received'
