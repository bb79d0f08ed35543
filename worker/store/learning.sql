-- name: accounts
-- The next accounts of a target as they were seen last.
SELECT id, observed FROM accounts
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND object_class = :object_class AND uid IS NOT NULL
  AND state <> 'dead' AND id > :after
ORDER BY id LIMIT :limit
