-- name: ensure_partitions
SELECT ensure_partitions(:first_day::date, :days::integer)

-- name: drop_partitions
SELECT drop_partitions(:before_day::date)

-- name: drop_rest
SELECT drop_rest(:tenant_id::uuid, :before_day::date, :limit::integer)

-- name: drop_idempotency_keys
-- The oldest first, a few at a time. The key of what is not done yet is kept, however old: it must not be done twice.
DELETE FROM idempotency_keys WHERE tenant_id = :tenant_id AND key = ANY(ARRAY(
    SELECT k.key FROM idempotency_keys k
    WHERE k.tenant_id = :tenant_id AND k.created_at < :before::timestamptz
      AND NOT EXISTS (SELECT 1 FROM operations o WHERE o.tenant_id = :tenant_id AND o.id = k.operation_id)
      AND NOT EXISTS (SELECT 1 FROM dead_letters d WHERE d.tenant_id = :tenant_id AND d.id = k.operation_id)
    ORDER BY k.created_at LIMIT :limit))

-- name: tenants
SELECT id FROM tenants ORDER BY id
