-- name: head
-- The end of the chain, locked: entries of a tenant are written one after the other.
INSERT INTO audit_heads (tenant_id, n, hash) VALUES (:tenant_id, 0, :genesis)
ON CONFLICT (tenant_id) DO UPDATE SET n = audit_heads.n
RETURNING n, hash, db_now() AS at

-- name: append
WITH entries AS (
    INSERT INTO audit (tenant_id, n, at, actor_id, action, object_type, object_id, details, prev_hash, hash)
    SELECT :tenant_id, e.n, :at, e.actor_id, e.action, e.object_type, e.object_id, e.details, e.prev_hash, e.hash
    FROM unnest(:ns::bigint[], :actor_ids::uuid[], :actions::text[], :object_types::text[], :object_ids::text[],
        :details::jsonb[], :prev_hashes::bytea[], :hashes::bytea[])
        AS e(n, actor_id, action, object_type, object_id, details, prev_hash, hash)
)
UPDATE audit_heads SET n = :last_n, hash = :last_hash WHERE tenant_id = :tenant_id

-- name: entries
SELECT n, at, actor_id, action, object_type, object_id, details, prev_hash, hash FROM audit
WHERE tenant_id = :tenant_id AND n > :after ORDER BY n LIMIT :limit

-- name: end
SELECT n, hash FROM audit_heads WHERE tenant_id = :tenant_id
