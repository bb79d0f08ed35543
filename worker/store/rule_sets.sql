-- name: lock
-- Two people who save at once get two numbers.
SELECT id FROM connectors WHERE tenant_id = :tenant_id AND id = :connector_id FOR UPDATE

-- name: insert
INSERT INTO rule_sets (tenant_id, connector_id, version, rules, is_active, note, created_by)
SELECT :tenant_id, :connector_id, coalesce(max(version), 0) + 1, :rules, false, :note, :created_by
FROM rule_sets WHERE tenant_id = :tenant_id AND connector_id = :connector_id
RETURNING version

-- name: get
SELECT r.version, r.rules, r.is_active, r.note, r.created_at, r.created_by, p.name AS created_by_name
FROM rule_sets r LEFT JOIN principals p ON p.tenant_id = :tenant_id AND p.id = r.created_by
WHERE r.tenant_id = :tenant_id AND r.connector_id = :connector_id AND r.version = :version

-- name: versions
-- The newest first, each with how many rules it has and when it came into force last.
SELECT r.version, r.is_active, r.note, r.created_at, r.created_by, p.name AS created_by_name,
    jsonb_array_length(r.rules -> 'rules') AS rules,
    (SELECT max(a.activated_at) FROM rule_set_activations a
     WHERE a.tenant_id = :tenant_id AND a.connector_id = r.connector_id AND a.version = r.version) AS activated_at
FROM rule_sets r LEFT JOIN principals p ON p.tenant_id = :tenant_id AND p.id = r.created_by
WHERE r.tenant_id = :tenant_id AND r.connector_id = :connector_id
ORDER BY r.version DESC LIMIT :limit OFFSET :offset

-- name: count
SELECT count(*) FROM rule_sets WHERE tenant_id = :tenant_id AND connector_id = :connector_id

-- name: retire
UPDATE rule_sets SET is_active = false
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND is_active AND version <> :version

-- name: activate
UPDATE rule_sets SET is_active = true
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND version = :version

-- name: note_activation
INSERT INTO rule_set_activations (tenant_id, connector_id, activated_at, version, activated_by)
SELECT :tenant_id, :connector_id, db_now(), :version, :activated_by

-- name: before
-- What was in force before that which is now; no row: only the rules that we ship.
SELECT version FROM rule_set_activations
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND version <> :version
ORDER BY activated_at DESC LIMIT 1
