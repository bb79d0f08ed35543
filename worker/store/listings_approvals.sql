-- name: requesters
-- Who asked for what is held: who started the run, and who made the operations.
SELECT r.created_by AS id FROM approvals a JOIN runs r ON r.tenant_id = :tenant_id AND r.id = a.run_id
WHERE a.tenant_id = :tenant_id AND a.id = :id AND r.created_by IS NOT NULL
UNION
SELECT o.created_by FROM operations o JOIN approvals a ON a.tenant_id = :tenant_id AND a.id = :id
WHERE o.tenant_id = :tenant_id AND o.connector_id = a.connector_id AND o.approval_id = a.id
  AND o.rests = 'awaiting_system' AND o.created_by IS NOT NULL

-- name: page
-- The newest first, with names; the accounts of a target are counted once, however many of its approvals are listed.
WITH page AS (
    SELECT a.* FROM approvals a
    WHERE a.tenant_id = :tenant_id AND (:status::text IS NULL OR a.status = :status)
      AND (:is_decided::boolean IS NULL OR (a.status <> 'open') = :is_decided)
      AND (:connector_id::uuid IS NULL OR a.connector_id = :connector_id)
      AND (:id::uuid IS NULL OR a.id = :id)
    ORDER BY a.id DESC LIMIT :limit OFFSET :offset
),
size AS (
    SELECT x.connector_id, count(*) AS n FROM accounts x
    WHERE x.tenant_id = :tenant_id AND x.state = 'active' AND x.connector_id IN (SELECT page.connector_id FROM page)
    GROUP BY x.connector_id
),
removed AS (
    SELECT n.connector_id, sum(n.accepted)::bigint AS n FROM removal_counts n
    WHERE n.tenant_id = :tenant_id AND n.connector_id IN (SELECT page.connector_id FROM page)
      AND n.hour >= date_trunc('hour', db_now(), 'UTC') - interval '24 hours'
    GROUP BY n.connector_id
),
waiting AS (  -- what is held may give way to newer plans: what still waits is counted, and shown, as it is now
    SELECT p.id AS approval_id, count.n, shown.sample
    FROM page p
    CROSS JOIN LATERAL (
        SELECT count(*)::integer AS n FROM operations o
        WHERE o.tenant_id = :tenant_id AND o.approval_id = p.id AND o.rests = 'awaiting_system'
          AND o.wait_reason = 'approval') count
    CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_agg(jsonb_build_object('what', s.what, 'who', s.user_name, 'uid', s.uid)), '[]') AS sample
        FROM (
            SELECT CASE o.operation_type WHEN 'delete' THEN 'delete' ELSE 'disable' END AS what, i.user_name,
                coalesce(o.target_uid, x.uid) AS uid
            FROM operations o
            LEFT JOIN accounts x ON x.tenant_id = :tenant_id AND x.id = o.account_id
            LEFT JOIN identities i ON i.tenant_id = :tenant_id AND i.id = x.identity_id
            WHERE o.tenant_id = :tenant_id AND o.approval_id = p.id AND o.rests = 'awaiting_system'
              AND o.wait_reason = 'approval'
            ORDER BY o.id LIMIT :sample) s) shown
    WHERE p.status = 'open' AND p.kind = 'removals'
)
SELECT a.id, a.connector_id, a.run_id, a.kind, a.status, coalesce(waiting.n, a.held) AS held, a.version, a.threshold,
    coalesce(waiting.sample, a.sample) AS sample, a.reason, a.created_at, a.asked_at, a.decided_at, a.decided_by,
    a.notes, c.name AS connector_name, p.name AS decided_by_name, r.kind AS run_kind, r.created_by AS requested_by_id,
    q.name AS requested_by, coalesce(removed.n, 0) AS used, coalesce(size.n, 0) AS accounts
FROM page a
LEFT JOIN waiting ON waiting.approval_id = a.id
LEFT JOIN size ON size.connector_id = a.connector_id
LEFT JOIN removed ON removed.connector_id = a.connector_id
LEFT JOIN connectors c ON c.tenant_id = :tenant_id AND c.id = a.connector_id
LEFT JOIN principals p ON p.tenant_id = :tenant_id AND p.id = a.decided_by
LEFT JOIN runs r ON r.tenant_id = :tenant_id AND r.id = a.run_id
LEFT JOIN principals q ON q.tenant_id = :tenant_id AND q.id = r.created_by
ORDER BY a.id DESC

-- name: count
SELECT count(*) FROM approvals
WHERE tenant_id = :tenant_id AND (:status::text IS NULL OR status = :status)
  AND (:connector_id::uuid IS NULL OR connector_id = :connector_id)
