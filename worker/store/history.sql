-- name: ensure_partitions
SELECT ensure_partitions(:first_day::date, :days::integer)

-- name: drop_partitions
SELECT drop_partitions(:before_day::date)

-- name: drop_idempotency_keys
DELETE FROM idempotency_keys WHERE tenant_id = :tenant_id AND created_at < :before::timestamptz

-- name: tenants
SELECT id FROM tenants ORDER BY id
