-- name: active
SELECT connector_id, object_class, version, rules FROM mapping_versions
WHERE tenant_id = :tenant_id AND connector_id = ANY(:connector_ids::uuid[]) AND is_active

-- name: get
SELECT connector_id, object_class, version, rules, is_active FROM mapping_versions
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND object_class = :object_class AND version = :version

-- name: versions
SELECT version, is_active, created_at, created_by FROM mapping_versions
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND object_class = :object_class
ORDER BY version DESC

-- name: lock
-- Two people who save at once get two numbers.
SELECT id FROM connectors WHERE tenant_id = :tenant_id AND id = :connector_id FOR UPDATE

-- name: insert
INSERT INTO mapping_versions (tenant_id, connector_id, object_class, version, rules, is_active, created_by)
SELECT :tenant_id, :connector_id, :object_class, coalesce(max(version), 0) + 1, :rules, false, :created_by
FROM mapping_versions
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND object_class = :object_class
RETURNING version

-- name: deactivate
UPDATE mapping_versions SET is_active = false
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND object_class = :object_class AND is_active
  AND version <> :version

-- name: activate
UPDATE mapping_versions SET is_active = true
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND object_class = :object_class AND version = :version
