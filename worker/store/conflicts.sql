-- name: record
-- One that is known already stays as it is.
INSERT INTO conflicts (tenant_id, id, connector_id, account_id, operation_id_a, operation_id_b, conflict_type,
    affected_attributes, status, outcome, strategy, created_at, resolved_at)
SELECT :tenant_id, n.id, n.connector_id, n.account_id, n.operation_id_a, n.operation_id_b, n.conflict_type,
    ARRAY(SELECT jsonb_array_elements_text(n.affected)),
    CASE WHEN n.outcome IS NULL THEN 'pending' ELSE 'resolved' END, n.outcome, n.strategy, t.now,
    CASE WHEN n.outcome IS NOT NULL THEN t.now END
FROM unnest(:ids::uuid[], :connector_ids::uuid[], :account_ids::uuid[], :operation_ids_a::uuid[],
            :operation_ids_b::uuid[], :conflict_types::text[], :affected::jsonb[], :outcomes::text[],
            :strategies::text[])
    AS n(id, connector_id, account_id, operation_id_a, operation_id_b, conflict_type, affected, outcome, strategy),
    (SELECT db_now() AS now) t
ON CONFLICT DO NOTHING

-- name: known
-- What was found, and perhaps decided, before.
SELECT id, status, outcome FROM conflicts
WHERE tenant_id = :tenant_id AND operation_id_a = :older AND conflict_type = :conflict_type
  AND operation_id_b IS NOT DISTINCT FROM :newer::uuid

-- name: live
-- Those of these operations that have not ended, locked.
SELECT id, account_id, connector_id, status, epoch, attempt_number, operation_type, payload, secrets, origin
FROM operations
WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[]) ORDER BY id FOR UPDATE

-- name: next_of
-- What waits right behind an operation of a lane.
SELECT id, operation_type, payload, secrets, origin, identity_version FROM operations
WHERE tenant_id = :tenant_id AND account_id = :account_id AND NOT head AND seq > :seq
ORDER BY seq LIMIT 1 FOR UPDATE

-- name: amend
-- A conflict changes what an operation says that waits. Only a repair is dropped when its account has moved: one that
-- holds the change of another, too, is sent. What becomes of another type is counted as that.
WITH was AS MATERIALIZED (
    SELECT o.id, o.operation_type FROM operations o WHERE o.tenant_id = :tenant_id AND o.id = ANY(:ids::uuid[])
),
changed AS (
    UPDATE operations o SET payload = n.payload, secrets = n.secrets, operation_type = n.operation_type,
        expected_hash = NULL, version = o.version + 1, updated_at = db_now()
    FROM unnest(:ids::uuid[], :operation_types::text[], :payloads::jsonb[], :secrets::bytea[])
        AS n(id, operation_type, payload, secrets)
    WHERE o.tenant_id = :tenant_id AND o.id = ANY(:ids::uuid[]) AND o.id = n.id AND o.status <> 'in_progress'
    RETURNING o.id, o.connector_id, o.operation_type, o.created_at
)
INSERT INTO live_counts (tenant_id, made_at, first_id, last_id, connector_id, operation_type, n)
SELECT :tenant_id, date_trunc('second', c.created_at), k.id, k.id, c.connector_id, k.operation_type, k.n
FROM changed c JOIN was w ON w.id = c.id AND w.operation_type <> c.operation_type,
    LATERAL (VALUES (NULL::uuid, w.operation_type, -1), (c.id, c.operation_type, 1)) AS k(id, operation_type, n)

-- name: park
-- These wait for a person's decision.
-- moves: pending -> awaiting_system, failed -> awaiting_system
UPDATE operations SET status = 'awaiting_system', wait_reason = 'conflict', next_retry_at = NULL,
    updated_at = db_now(), version = version + 1
WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[]) AND status IN ('pending', 'failed', 'awaiting_system')
  AND wait_reason IS DISTINCT FROM 'approval'

-- name: wake
-- Of these, those go on that no other conflict keeps.
-- moves: awaiting_system -> pending
UPDATE operations o SET status = 'pending', wait_reason = NULL, next_retry_at = NULL, ready_at = db_now(),
    updated_at = db_now(), version = version + 1
WHERE o.tenant_id = :tenant_id AND o.id = ANY(:ids::uuid[]) AND o.status = 'awaiting_system'
  AND o.wait_reason = 'conflict'
  AND NOT EXISTS (SELECT 1 FROM conflicts c WHERE c.tenant_id = :tenant_id AND c.operation_id_a = o.id
                  AND c.status = 'pending')
  AND NOT EXISTS (SELECT 1 FROM conflicts c WHERE c.tenant_id = :tenant_id AND c.operation_id_b = o.id
                  AND c.status = 'pending')
RETURNING o.id, o.connector_id

-- name: settle
UPDATE conflicts SET status = 'resolved', outcome = :outcome, notes = :notes, resolved_by = :by::uuid,
    resolved_at = db_now()
WHERE tenant_id = :tenant_id AND id = :id AND status = 'pending'

-- name: close
-- One side has ended otherwise: there is nothing left to decide. The ids of the other sides.
UPDATE conflicts SET status = 'resolved', resolved_at = db_now(), notes = :notes,
    outcome = CASE WHEN operation_id_a = ANY(:ids::uuid[]) THEN 'superseded' ELSE 'rejected' END
WHERE tenant_id = :tenant_id AND status = 'pending'
  AND (operation_id_a = ANY(:ids::uuid[]) OR operation_id_b = ANY(:ids::uuid[]))
RETURNING CASE WHEN operation_id_a = ANY(:ids::uuid[]) THEN operation_id_b ELSE operation_id_a END AS other_id

-- name: drop_settled
-- The oldest first, a few at a time; what nobody has settled yet is kept, however old.
DELETE FROM conflicts WHERE tenant_id = :tenant_id AND id = ANY(ARRAY(
    SELECT c.id FROM conflicts c
    WHERE c.tenant_id = :tenant_id AND c.status = 'resolved' AND c.created_at < :before::timestamptz
    ORDER BY c.id LIMIT :limit))

-- name: bases
-- What these accounts have as far as we know.
SELECT id, observed FROM accounts WHERE tenant_id = :tenant_id AND id = ANY(:account_ids::uuid[])

-- name: page
-- The newest first, with the names that people know the things by.
SELECT c.*, k.name AS connector_name, coalesce(i.user_name, a.uid) AS subject_name, a.identity_id,
    p.name AS resolved_by_name
FROM (
    SELECT c.* FROM conflicts c
    WHERE c.tenant_id = :tenant_id AND (:id::uuid IS NULL OR c.id = :id)
      AND (:status::text IS NULL OR c.status = :status)
      AND (:conflict_type::text IS NULL OR c.conflict_type = :conflict_type)
      AND (:connector_id::uuid IS NULL OR c.connector_id = :connector_id)
      AND (:operation_id::uuid IS NULL OR c.operation_id_a = :operation_id OR c.operation_id_b = :operation_id)
      AND (:before::uuid IS NULL OR c.id < :before) AND (:after::uuid IS NULL OR c.id > :after)
    ORDER BY CASE WHEN :after::uuid IS NOT NULL THEN c.id END, CASE WHEN :after::uuid IS NULL THEN c.id END DESC
    LIMIT :limit OFFSET :offset) AS c
LEFT JOIN connectors k ON k.tenant_id = :tenant_id AND k.id = c.connector_id
LEFT JOIN accounts a ON a.tenant_id = :tenant_id AND a.id = c.account_id
LEFT JOIN identities i ON i.tenant_id = :tenant_id AND i.id = a.identity_id
LEFT JOIN principals p ON p.tenant_id = :tenant_id AND p.id = c.resolved_by
ORDER BY c.id DESC

-- name: counts
SELECT c.status, count(*) AS n FROM conflicts c
WHERE c.tenant_id = :tenant_id AND (:conflict_type::text IS NULL OR c.conflict_type = :conflict_type)
  AND (:connector_id::uuid IS NULL OR c.connector_id = :connector_id)
  AND (:operation_id::uuid IS NULL OR c.operation_id_a = :operation_id OR c.operation_id_b = :operation_id)
GROUP BY c.status
