-- name: page
-- The newest first, with names; ``after`` turns the direction.
SELECT r.*, c.name AS connector_name, p.name AS created_by_name,
    greatest(r.created_at, r.started_at, r.completed_at,
        (SELECT max(k.written_at) FROM run_checkpoints k WHERE k.tenant_id = :tenant_id AND k.run_id = r.id))
        AS updated_at
FROM (
    SELECT r.* FROM runs r
    WHERE r.tenant_id = :tenant_id AND (:connector_id::uuid IS NULL OR r.connector_id = :connector_id)
      AND (:id::uuid IS NULL OR r.id = :id)
      AND (NOT :only_live::boolean OR r.status IN ('pending', 'running', 'paused'))
      AND (:before::uuid IS NULL OR r.id < :before) AND (:after::uuid IS NULL OR r.id > :after)
    ORDER BY CASE WHEN :after::uuid IS NOT NULL THEN r.id END, CASE WHEN :after::uuid IS NULL THEN r.id END DESC
    LIMIT :limit) AS r
LEFT JOIN connectors c ON c.tenant_id = :tenant_id AND c.id = r.connector_id
LEFT JOIN principals p ON p.tenant_id = :tenant_id AND p.id = r.created_by
ORDER BY r.id DESC

-- name: last_of_each
-- The live run of each connector, or its latest.
SELECT r.*, c.name AS connector_name, NULL::text AS created_by_name, NULL::timestamptz AS updated_at
FROM connectors c
CROSS JOIN LATERAL (
    SELECT r.* FROM runs r WHERE r.tenant_id = :tenant_id AND r.connector_id = c.id ORDER BY r.id DESC LIMIT 1) r
WHERE c.tenant_id = :tenant_id

-- name: errors
SELECT coalesce(details ->> 'error_message', 'failed') AS message, count(*) AS n FROM recon_actions
WHERE tenant_id = :tenant_id AND run_id = :run_id AND result = 'failure'
GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 5
