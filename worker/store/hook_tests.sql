-- name: page
SELECT t.id, t.name, t.function, t.context, t.expected, t.created_at, t.created_by, p.name AS created_by_name
FROM hook_tests t
LEFT JOIN principals p ON p.tenant_id = :tenant_id AND p.id = t.created_by
WHERE t.tenant_id = :tenant_id AND t.hook_id = :hook_id AND (:id::uuid IS NULL OR t.id = :id)
ORDER BY t.name, t.id LIMIT :limit OFFSET :offset

-- name: count
SELECT count(*) FROM hook_tests WHERE tenant_id = :tenant_id AND hook_id = :hook_id

-- name: insert
INSERT INTO hook_tests (tenant_id, hook_id, id, name, function, context, expected, created_by)
VALUES (:tenant_id, :hook_id, :id, :name, :function, :context, :expected, :created_by)
ON CONFLICT (tenant_id, hook_id, name) DO NOTHING

-- name: replace
UPDATE hook_tests t SET name = :name, function = :function, context = :context, expected = :expected
WHERE t.tenant_id = :tenant_id AND t.hook_id = :hook_id AND t.id = :id AND NOT EXISTS (
    SELECT 1 FROM hook_tests o
    WHERE o.tenant_id = :tenant_id AND o.hook_id = :hook_id AND o.name = :name AND o.id <> :id)

-- name: delete
DELETE FROM hook_tests WHERE tenant_id = :tenant_id AND hook_id = :hook_id AND id = :id
