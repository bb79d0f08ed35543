-- name: bound
-- Every enabled binding of a connector with the active version of its script and the libraries that version pins, in the
-- order they run.
SELECT b.id, b.hook_id, b.connector_id, b.object_class,
    CASE WHEN b.is_correlating THEN 'correlate' ELSE b.phase END AS phase, b.operation_types, b.position, b.on_error,
    b.budget_ms, b.params, b.permissions, h.name, v.version, v.source, v.api, pinned.libraries, h.suspended_at,
    h.suspended_reason
FROM bindings b
JOIN hooks h ON h.tenant_id = b.tenant_id AND h.id = b.hook_id
JOIN hook_versions v ON v.tenant_id = h.tenant_id AND v.hook_id = h.id AND v.version = h.active_version
LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object('name', l.item ->> 'name', 'source', s.source) ORDER BY l.place) AS libraries
    FROM jsonb_array_elements(v.libraries) WITH ORDINALITY l (item, place)
    JOIN hook_versions s ON s.tenant_id = :tenant_id AND s.hook_id = (l.item ->> 'hook_id')::uuid
        AND s.version = (l.item ->> 'version')::integer
    WHERE v.libraries <> '[]'
) pinned ON true
WHERE b.tenant_id = :tenant_id AND b.connector_id = ANY(:connector_ids::uuid[]) AND b.enabled
ORDER BY b.connector_id, b.phase, b.position, b.id

-- name: get
SELECT id, name, kind, description, active_version, suspended_at, suspended_reason, version, created_at, updated_at
FROM hooks WHERE tenant_id = :tenant_id AND id = :hook_id

-- name: lock
-- Who changes a hook, its versions, tests or bindings waits here for the others who do.
SELECT id, name, kind, description, active_version, suspended_at, suspended_reason, version, created_at, updated_at
FROM hooks WHERE tenant_id = :tenant_id AND id = :hook_id FOR UPDATE

-- name: by_name
SELECT id, name, kind, active_version, suspended_at, suspended_reason FROM hooks
WHERE tenant_id = :tenant_id AND name = :name

-- part: listed
h.tenant_id = :tenant_id AND (:kind::text IS NULL OR h.kind = :kind)
    AND (:q::text IS NULL OR position(lower(:q) IN lower(h.name)) > 0)
    AND (:is_suspended::boolean IS NULL OR (h.suspended_at IS NOT NULL) = :is_suspended)
    AND (:connector_id::uuid IS NULL OR EXISTS (
        SELECT 1 FROM bindings b
        WHERE b.tenant_id = :tenant_id AND b.hook_id = h.id AND b.connector_id = :connector_id))
    AND (:id::uuid IS NULL OR h.id = :id)

-- name: page
-- By name, each with its newest version, and how often it is bound and tested.
SELECT h.id, h.name, h.kind, h.description, h.active_version, h.suspended_at, h.suspended_reason, h.version,
    h.created_at, h.updated_at, v.latest_version, b.bindings, t.tests
FROM hooks h
LEFT JOIN LATERAL (
    SELECT max(v.version) AS latest_version FROM hook_versions v WHERE v.tenant_id = :tenant_id AND v.hook_id = h.id
) v ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS bindings FROM bindings b WHERE b.tenant_id = :tenant_id AND b.hook_id = h.id
) b ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS tests FROM hook_tests t WHERE t.tenant_id = :tenant_id AND t.hook_id = h.id
) t ON true
WHERE {listed}
ORDER BY h.name, h.id LIMIT :limit OFFSET :offset

-- name: count
SELECT count(*) FROM hooks h WHERE {listed}

-- name: versions
-- The newest first; whether one has ever been active tells a rollback from a first activation.
SELECT v.version, v.sha, v.api, v.note, v.functions, v.libraries, v.source, v.created_at, v.created_by,
    p.name AS created_by_name, EXISTS (
        SELECT 1 FROM hook_activations a
        WHERE a.tenant_id = :tenant_id AND a.hook_id = v.hook_id AND a.version = v.version) AS was_active
FROM hook_versions v
LEFT JOIN principals p ON p.tenant_id = :tenant_id AND p.id = v.created_by
WHERE v.tenant_id = :tenant_id AND v.hook_id = :hook_id AND (:version::integer IS NULL OR v.version = :version)
ORDER BY v.version DESC LIMIT :limit OFFSET :offset

-- name: count_versions
SELECT count(*) FROM hook_versions WHERE tenant_id = :tenant_id AND hook_id = :hook_id

-- name: pinned
-- The sources of libraries that a version was stored with, in their order.
SELECT l.item ->> 'name' AS name, s.source
FROM hook_versions v
CROSS JOIN LATERAL jsonb_array_elements(v.libraries) WITH ORDINALITY l (item, place)
JOIN hook_versions s ON s.tenant_id = :tenant_id AND s.hook_id = (l.item ->> 'hook_id')::uuid
    AND s.version = (l.item ->> 'version')::integer
WHERE v.tenant_id = :tenant_id AND v.hook_id = :hook_id AND v.version = :version
ORDER BY l.place

-- name: libraries
-- Libraries by name with what is active of them; one that was never activated has no source.
SELECT h.id, h.name, v.version, v.sha, v.source, v.loads
FROM hooks h
LEFT JOIN hook_versions v ON v.tenant_id = :tenant_id AND v.hook_id = h.id AND v.version = h.active_version
WHERE h.tenant_id = :tenant_id AND h.kind = 'library' AND h.name = ANY(:names::text[])

-- name: users
-- The hooks of which a version was stored with this library.
SELECT h.name FROM hooks h
WHERE h.tenant_id = :tenant_id AND EXISTS (
    SELECT 1 FROM hook_versions v
    WHERE v.tenant_id = :tenant_id AND v.hook_id = h.id AND v.libraries @> :pin::jsonb)
ORDER BY h.name LIMIT 5

-- name: insert
INSERT INTO hooks (tenant_id, id, name, kind, description) VALUES (:tenant_id, :id, :name, :kind, :description)
ON CONFLICT (tenant_id, name) DO NOTHING

-- name: describe
UPDATE hooks h SET name = :name, description = :description, version = h.version + 1, updated_at = db_now()
WHERE h.tenant_id = :tenant_id AND h.id = :hook_id AND NOT EXISTS (
    SELECT 1 FROM hooks o WHERE o.tenant_id = :tenant_id AND o.name = :name AND o.id <> :hook_id)

-- name: delete
DELETE FROM hooks h WHERE h.tenant_id = :tenant_id AND h.id = :hook_id AND NOT EXISTS (
    SELECT 1 FROM bindings b WHERE b.tenant_id = :tenant_id AND b.hook_id = :hook_id)

-- name: delete_versions
DELETE FROM hook_versions WHERE tenant_id = :tenant_id AND hook_id = :hook_id

-- name: delete_tests
DELETE FROM hook_tests WHERE tenant_id = :tenant_id AND hook_id = :hook_id

-- name: delete_activations
DELETE FROM hook_activations WHERE tenant_id = :tenant_id AND hook_id = :hook_id

-- name: delete_stats
DELETE FROM hook_stats WHERE tenant_id = :tenant_id AND hook_id = :hook_id

-- name: delete_records
DELETE FROM hook_records WHERE tenant_id = :tenant_id AND hook_id = :hook_id

-- name: insert_version
INSERT INTO hook_versions (tenant_id, hook_id, version, source, sha, api, note, functions, loads,
    libraries, created_by)
SELECT :tenant_id, :hook_id, coalesce(max(version), 0) + 1, :source, :sha, :api, :note, :functions, :loads,
    :libraries, :created_by
FROM hook_versions WHERE tenant_id = :tenant_id AND hook_id = :hook_id
RETURNING version

-- name: touch
UPDATE hooks h SET version = h.version + 1, updated_at = db_now() WHERE h.tenant_id = :tenant_id AND h.id = :hook_id

-- name: activate
-- Another version is a fresh start: what suspended the hook was the old script.
WITH switched AS (
    UPDATE hooks h SET active_version = :version, suspended_at = NULL, suspended_reason = NULL,
        version = h.version + 1, updated_at = db_now()
    WHERE h.tenant_id = :tenant_id AND h.id = :hook_id AND EXISTS (
        SELECT 1 FROM hook_versions v
        WHERE v.tenant_id = :tenant_id AND v.hook_id = :hook_id AND v.version = :version)
    RETURNING h.id
)
INSERT INTO hook_activations (tenant_id, hook_id, activated_at, version, activated_by)
SELECT :tenant_id, switched.id, db_now(), :version, :activated_by FROM switched

-- name: activations
-- What ran when, the newest first.
SELECT a.activated_at, a.version, a.activated_by, p.name AS activated_by_name
FROM hook_activations a
LEFT JOIN principals p ON p.tenant_id = :tenant_id AND p.id = a.activated_by
WHERE a.tenant_id = :tenant_id AND a.hook_id = :hook_id
ORDER BY a.activated_at DESC LIMIT :limit

-- name: suspend
UPDATE hooks h SET suspended_at = db_now(), suspended_reason = :reason, version = h.version + 1, updated_at = db_now()
WHERE h.tenant_id = :tenant_id AND h.id = :hook_id AND h.suspended_at IS NULL

-- name: resume
UPDATE hooks h SET suspended_at = NULL, suspended_reason = NULL, version = h.version + 1, updated_at = db_now()
WHERE h.tenant_id = :tenant_id AND h.id = :hook_id AND h.suspended_at IS NOT NULL

-- name: bind
INSERT INTO bindings (tenant_id, id, hook_id, connector_id, object_class, phase, is_correlating, operation_types, position,
    on_error, budget_ms, params, enabled, permissions)
VALUES (:tenant_id, :id, :hook_id, :connector_id, :object_class, :phase, :is_correlating, :operation_types, :position,
    :on_error, :budget_ms, :params, :enabled, :permissions)

-- name: unbind
DELETE FROM bindings WHERE tenant_id = :tenant_id AND id = :id
