-- name: active
SELECT connector_id, object_class, version, rules FROM mapping_versions
WHERE tenant_id = :tenant_id AND connector_id = ANY(:connector_ids::uuid[]) AND is_active

-- name: get
SELECT connector_id, object_class, version, rules, is_active, note, created_at, created_by FROM mapping_versions
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND object_class = :object_class AND version = :version

-- name: versions
SELECT v.version, v.is_active, v.note, v.created_at, v.created_by, p.name AS created_by_name,
    jsonb_array_length(v.rules) AS rules,
    (SELECT max(a.activated_at) FROM mapping_activations a
     WHERE a.tenant_id = :tenant_id AND a.connector_id = v.connector_id AND a.object_class = v.object_class
       AND a.version = v.version) AS activated_at
FROM mapping_versions v
LEFT JOIN principals p ON p.tenant_id = :tenant_id AND p.id = v.created_by
WHERE v.tenant_id = :tenant_id AND v.connector_id = :connector_id AND v.object_class = :object_class
ORDER BY v.version DESC LIMIT :limit OFFSET :offset

-- name: count
SELECT count(*) FROM mapping_versions
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND object_class = :object_class

-- name: lock
-- Two people who save at once get two numbers.
SELECT id FROM connectors WHERE tenant_id = :tenant_id AND id = :connector_id FOR UPDATE

-- name: insert
INSERT INTO mapping_versions (tenant_id, connector_id, object_class, version, rules, is_active, note, created_by)
SELECT :tenant_id, :connector_id, :object_class, coalesce(max(version), 0) + 1, :rules, false, :note, :created_by
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

-- name: note_activation
INSERT INTO mapping_activations (tenant_id, connector_id, object_class, activated_at, version, activated_by)
SELECT :tenant_id, :connector_id, :object_class, db_now(), :version, :activated_by

-- name: before
-- The version that was active before the one that is now.
SELECT version FROM mapping_activations
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND object_class = :object_class AND version <> :version
ORDER BY activated_at DESC LIMIT 1

-- name: attribute_names
-- What people have, as those who were added first and those who were added last show it.
SELECT DISTINCT k.name FROM (
    (SELECT attributes FROM identities WHERE tenant_id = :tenant_id ORDER BY id LIMIT :limit)
    UNION ALL
    (SELECT attributes FROM identities WHERE tenant_id = :tenant_id ORDER BY id DESC LIMIT :limit)
) i, jsonb_object_keys(i.attributes) AS k(name)
ORDER BY k.name LIMIT 2000
