-- name: insert
-- With the end of their operations. How deep the chain is by now is known of those that followed themselves.
INSERT INTO follow_ups (tenant_id, operation_id, hook_id, number, hook_name, identity_id, connector_id, object_class,
    type, attributes, correlation_id, depth, due_at)
SELECT :tenant_id, w.operation_id, w.hook_id, w.number, w.hook_name, w.identity_id, w.connector_id, w.object_class,
    w.type, w.attributes, w.correlation_id,
    1 + coalesce((SELECT max(f.depth) FROM follow_ups f
                  WHERE f.tenant_id = :tenant_id AND f.made_id = w.operation_id), 0),
    db_now() + make_interval(secs => w.after_seconds)
FROM ROWS FROM (unnest(:operation_ids::uuid[]), unnest(:hook_ids::uuid[]), unnest(:numbers::integer[]),
        unnest(:hook_names::text[]), unnest(:identity_ids::uuid[]), unnest(:connector_ids::uuid[]),
        unnest(:object_classes::text[]), unnest(:types::text[]), unnest(:attributes::jsonb[]),
        unnest(:correlation_ids::uuid[]), unnest(:after_seconds::float8[]))
    AS w(operation_id, hook_id, number, hook_name, identity_id, connector_id, object_class, type, attributes,
        correlation_id, after_seconds)
ON CONFLICT (tenant_id, operation_id, hook_id, number) DO NOTHING
RETURNING due_at

-- name: depth
SELECT max(depth) FROM follow_ups WHERE tenant_id = :tenant_id AND made_id = :operation_id

-- name: due
SELECT * FROM follow_ups
WHERE tenant_id = :tenant_id AND status = 'waiting' AND due_at <= db_now() ORDER BY due_at LIMIT :limit

-- name: next_due
SELECT min(due_at) FROM follow_ups WHERE tenant_id = :tenant_id AND status = 'waiting'

-- name: take
-- Who has it now carries it out; nothing when another process has it.
SELECT status FROM follow_ups
WHERE tenant_id = :tenant_id AND operation_id = :operation_id AND hook_id = :hook_id AND number = :number
FOR UPDATE SKIP LOCKED

-- name: end
UPDATE follow_ups SET status = :status, note = :note, made_id = :made_id, attributes = NULL, ended_at = db_now()
WHERE tenant_id = :tenant_id AND operation_id = :operation_id AND hook_id = :hook_id AND number = :number

-- name: is_bound
SELECT EXISTS (SELECT 1 FROM bindings b
    WHERE b.tenant_id = :tenant_id AND b.hook_id = :hook_id AND b.enabled)

-- name: accounts
-- The accounts that a person has at a target, and whether they may be active.
SELECT a.id, a.object_class, a.wanted, a.observed,
    coalesce(a.wanted_active, true) AND coalesce(
        (SELECT i.active AND i.disabled_at IS NULL AND i.deleted_at IS NULL FROM identities i
         WHERE i.tenant_id = :tenant_id AND i.id = :identity_id), false) AS is_enabled
FROM accounts a
WHERE a.tenant_id = :tenant_id AND a.identity_id = :identity_id AND a.connector_id = :connector_id
  AND a.state <> 'dead' AND (a.uid IS NOT NULL OR a.live > 0)

-- name: of_operation
-- What followed from an operation, and what it follows from itself.
SELECT * FROM follow_ups WHERE tenant_id = :tenant_id AND operation_id = :operation_id
UNION ALL
SELECT * FROM follow_ups WHERE tenant_id = :tenant_id AND made_id = :operation_id
ORDER BY created_at, hook_id, number

-- name: prune
DELETE FROM follow_ups
WHERE tenant_id = :tenant_id AND ended_at < :before AND operation_id = ANY(ARRAY(
    SELECT f.operation_id FROM follow_ups f WHERE f.tenant_id = :tenant_id AND f.ended_at < :before LIMIT :limit))
