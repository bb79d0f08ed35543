-- name: standstill
-- What may be in the way of a live operation.
SELECT o.status, o.head, o.connector_id, o.wait_reason, o.next_retry_at, o.case_id, o.approval_id, a.head_id,
    CASE WHEN o.head THEN 0 ELSE 1 + (
        SELECT count(*) FROM operations b
        WHERE b.tenant_id = :tenant_id AND b.account_id = o.account_id AND NOT b.head AND b.seq < o.seq)::integer
    END AS ahead,
    coalesce(
        (SELECT k.id FROM conflicts k
         WHERE k.tenant_id = :tenant_id AND k.operation_id_a = o.id AND k.status = 'pending' LIMIT 1),
        (SELECT k.id FROM conflicts k
         WHERE k.tenant_id = :tenant_id AND k.operation_id_b = o.id AND k.status = 'pending' LIMIT 1)) AS conflict_id
FROM operations o LEFT JOIN accounts a ON a.tenant_id = :tenant_id AND a.id = o.account_id
WHERE o.tenant_id = :tenant_id AND o.id = :operation_id

-- name: made
-- What was accepted lately and is there still, in the order of its ids.
SELECT o.id, o.created_at AS at, o.status, o.operation_type, o.connector_id, c.name AS connector_name, o.user_id,
    i.user_name, o.target_uid
FROM operations o
LEFT JOIN connectors c ON c.tenant_id = :tenant_id AND c.id = o.connector_id
LEFT JOIN identities i ON i.tenant_id = :tenant_id AND i.id = o.user_id
WHERE o.tenant_id = :tenant_id AND o.id > :after ORDER BY o.id LIMIT :limit

-- name: tried
-- Tries that ended lately, with what they were tries of.
SELECT t.operation_id AS id, t.completed_at AS at, t.epoch, t.attempt_number, t.outcome, t.error_code, t.error_message,
    t.duration_ms, o.operation_type, o.connector_id, c.name AS connector_name, o.user_id, i.user_name, o.target_uid
FROM (
    SELECT t.* FROM attempts t
    WHERE t.tenant_id = :tenant_id AND t.day >= :day::date AND t.completed_at >= :after::timestamptz
      AND (t.completed_at, t.operation_id) > (:after, :after_id::uuid)
    ORDER BY t.completed_at, t.operation_id LIMIT :limit) AS t
LEFT JOIN LATERAL (
    SELECT l.operation_type, l.connector_id, l.user_id, l.target_uid FROM operations l
    WHERE l.tenant_id = :tenant_id AND l.id = t.operation_id
    UNION ALL
    SELECT d.operation_type, d.connector_id, d.user_id, d.target_uid FROM dead_letters d
    WHERE d.tenant_id = :tenant_id AND d.id = t.operation_id
    UNION ALL
    SELECT h.operation_type, h.connector_id, h.user_id, h.target_uid FROM operations_archive h
    WHERE h.tenant_id = :tenant_id AND h.id = t.operation_id AND h.completed_day >= :day
    LIMIT 1) AS o ON true
LEFT JOIN connectors c ON c.tenant_id = :tenant_id AND c.id = o.connector_id
LEFT JOIN identities i ON i.tenant_id = :tenant_id AND i.id = o.user_id
ORDER BY t.completed_at, t.operation_id

-- name: called_off
-- What a person or a newer change ended lately.
SELECT h.id, h.completed_at AS at, h.status, h.operation_type, h.connector_id, c.name AS connector_name, h.user_id,
    i.user_name, h.target_uid, h.resolution_notes
FROM (
    SELECT h.* FROM operations_archive h
    WHERE h.tenant_id = :tenant_id AND h.completed_day >= :day::date AND h.completed_at >= :after::timestamptz
      AND (h.completed_at, h.id) > (:after, :after_id::uuid)
      AND h.status <> 'completed'
    ORDER BY h.completed_at, h.id LIMIT :limit) AS h
LEFT JOIN connectors c ON c.tenant_id = :tenant_id AND c.id = h.connector_id
LEFT JOIN identities i ON i.tenant_id = :tenant_id AND i.id = h.user_id
ORDER BY h.completed_at, h.id

-- name: now
SELECT db_now()
