-- name: bound
-- Every enabled binding of a connector with the active version of its script, in the order they run.
SELECT b.id, b.hook_id, b.connector_id, b.object_class, b.phase, b.operation_types, b.position, b.on_error,
    b.budget_ms, b.params, h.name, v.version, v.source, h.suspended_at, h.suspended_reason
FROM bindings b
JOIN hooks h ON h.tenant_id = b.tenant_id AND h.id = b.hook_id
JOIN hook_versions v ON v.tenant_id = h.tenant_id AND v.hook_id = h.id AND v.version = h.active_version
WHERE b.tenant_id = :tenant_id AND b.connector_id = ANY(:connector_ids::uuid[]) AND b.enabled
ORDER BY b.connector_id, b.phase, b.position, b.id

-- name: by_name
SELECT id, name, active_version, suspended_at, suspended_reason FROM hooks
WHERE tenant_id = :tenant_id AND name = :name

-- name: everyone
SELECT id, name, active_version, suspended_at, suspended_reason, created_at FROM hooks
WHERE tenant_id = :tenant_id ORDER BY name

-- name: versions
SELECT version, sha, source, created_at, created_by FROM hook_versions
WHERE tenant_id = :tenant_id AND hook_id = :hook_id ORDER BY version DESC

-- name: insert
INSERT INTO hooks (tenant_id, id, name) VALUES (:tenant_id, :id, :name)

-- name: lock
SELECT id FROM hooks WHERE tenant_id = :tenant_id AND id = :hook_id FOR UPDATE

-- name: insert_version
INSERT INTO hook_versions (tenant_id, hook_id, version, source, sha, created_by)
SELECT :tenant_id, :hook_id, coalesce(max(version), 0) + 1, :source, :sha, :created_by
FROM hook_versions WHERE tenant_id = :tenant_id AND hook_id = :hook_id
RETURNING version

-- name: activate
-- Another version is a fresh start: what suspended the hook was the old script.
UPDATE hooks h SET active_version = :version, suspended_at = NULL, suspended_reason = NULL
WHERE h.tenant_id = :tenant_id AND h.id = :hook_id AND EXISTS (
    SELECT 1 FROM hook_versions v
    WHERE v.tenant_id = :tenant_id AND v.hook_id = :hook_id AND v.version = :version)

-- name: suspend
UPDATE hooks SET suspended_at = db_now(), suspended_reason = :reason
WHERE tenant_id = :tenant_id AND id = :hook_id AND suspended_at IS NULL

-- name: bind
INSERT INTO bindings (tenant_id, id, hook_id, connector_id, object_class, phase, operation_types, position, on_error,
    budget_ms, params)
VALUES (:tenant_id, :id, :hook_id, :connector_id, :object_class, :phase, :operation_types, :position, :on_error,
    :budget_ms, :params)

-- name: unbind
DELETE FROM bindings WHERE tenant_id = :tenant_id AND id = :id
