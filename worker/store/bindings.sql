-- name: page
-- In the order in which they run.
SELECT b.id, b.hook_id, b.connector_id, b.object_class,
    CASE WHEN b.is_correlating THEN 'correlate' ELSE b.phase END AS phase, b.operation_types, b.position, b.on_error,
    b.budget_ms, b.params, b.enabled, b.permissions, b.version, b.updated_at, c.name AS connector_name,
    c.object_class AS connector_object_class
FROM bindings b
LEFT JOIN connectors c ON c.tenant_id = :tenant_id AND c.id = b.connector_id
WHERE b.tenant_id = :tenant_id AND b.hook_id = :hook_id AND (:id::uuid IS NULL OR b.id = :id)
ORDER BY c.name, b.connector_id, b.phase DESC, b.is_correlating, b.position, b.id LIMIT :limit OFFSET :offset

-- name: count
SELECT count(*) FROM bindings WHERE tenant_id = :tenant_id AND hook_id = :hook_id

-- name: places
-- The targets at which these hooks run; bindings that are off are left out.
SELECT b.hook_id, array_agg(DISTINCT c.name ORDER BY c.name) AS connectors
FROM bindings b
JOIN connectors c ON c.tenant_id = :tenant_id AND c.id = b.connector_id
WHERE b.tenant_id = :tenant_id AND b.hook_id = ANY(:hook_ids::uuid[]) AND b.enabled
GROUP BY b.hook_id

-- name: replace
UPDATE bindings b SET connector_id = :connector_id, object_class = :object_class, phase = :phase,
    is_correlating = :is_correlating, operation_types = :operation_types, position = :position, on_error = :on_error, budget_ms = :budget_ms,
    params = :params, enabled = :enabled, permissions = :permissions, version = b.version + 1, updated_at = db_now()
WHERE b.tenant_id = :tenant_id AND b.hook_id = :hook_id AND b.id = :id

-- name: delete
DELETE FROM bindings WHERE tenant_id = :tenant_id AND hook_id = :hook_id AND id = :id
