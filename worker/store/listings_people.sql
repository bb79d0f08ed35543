-- name: page
-- By user name. ``after_key`` and ``after_id`` are the last of the page before, ``before_*`` the first of the page
-- behind, for the way back. What is off course: open findings and dead letters.
SELECT i.*, n.accounts, n.trouble FROM (
    SELECT i.id, i.external_id, i.user_name, i.user_name_key, i.attributes, i.active, i.disabled_at, i.updated_at,
        i.created_at, i.version, i.authority
    FROM identities i
    WHERE i.tenant_id = :tenant_id AND i.deleted_at IS NULL AND (:id::uuid IS NULL OR i.id = :id)
      AND (:active::boolean IS NULL OR i.active = :active)
      AND (:q::text IS NULL OR (i.user_name_key ~>=~ lower(:q) AND i.user_name_key ~<~ lower(:q_end::text))
           OR (i.external_id >= :q AND i.external_id < :q_end))
      AND (:after_key::text IS NULL OR i.user_name_key ~>~ :after_key
           OR (i.user_name_key = :after_key AND i.id > :after_id::uuid))
      AND (:before_key::text IS NULL OR i.user_name_key ~<~ :before_key
           OR (i.user_name_key = :before_key AND i.id < :before_id::uuid))
    ORDER BY CASE WHEN :before_key::text IS NULL THEN i.user_name_key END USING ~<~,
        CASE WHEN :before_key::text IS NOT NULL THEN i.user_name_key END USING ~>~,
        CASE WHEN :before_key::text IS NULL THEN i.id END,
        CASE WHEN :before_key::text IS NOT NULL THEN i.id END DESC
    LIMIT :limit) AS i
CROSS JOIN LATERAL (
    SELECT (SELECT count(*) FROM accounts a JOIN connectors c ON c.tenant_id = :tenant_id AND c.id = a.connector_id
            WHERE a.tenant_id = :tenant_id AND a.identity_id = i.id AND a.uid IS NOT NULL AND a.state <> 'dead'
              AND c.is_target) AS accounts,
        (SELECT count(*) FROM discrepancies d WHERE d.tenant_id = :tenant_id AND d.identity_id = i.id
            AND d.resolution_status = 'pending')
        + (SELECT count(*) FROM dead_letters l WHERE l.tenant_id = :tenant_id AND l.user_id = i.id) AS trouble) AS n
ORDER BY i.user_name_key USING ~<~, i.id

-- name: counts
SELECT i.active, count(*) AS n FROM identities i
WHERE i.tenant_id = :tenant_id AND i.deleted_at IS NULL AND (:id::uuid IS NULL OR i.id = :id)
  AND (:q::text IS NULL OR (i.user_name_key ~>=~ lower(:q) AND i.user_name_key ~<~ lower(:q_end::text))
       OR (i.external_id >= :q AND i.external_id < :q_end))
GROUP BY i.active

-- name: accounts
-- Both sides of the accounts of a person, with who changed each last and whether anything is open about it.
SELECT a.id, a.connector_id, a.object_class, a.uid, a.identity_id, a.state, a.wanted, a.wanted_active, a.observed,
    a.observed_active, a.hooked, a.live, a.head_id, a.gone_at, a.last_change_at, a.last_change_run,
    a.last_change_operation, a.match, a.created_at, p.name AS last_change_by_name, p.kind AS last_change_by_kind,
    EXISTS (SELECT 1 FROM discrepancies d WHERE d.tenant_id = :tenant_id AND d.identity_id = a.identity_id
            AND d.account_id = a.id AND d.resolution_status = 'pending' AND d.discrepancy_type = 'collision')
        AS is_collision,
    EXISTS (SELECT 1 FROM cases k WHERE k.tenant_id = :tenant_id AND k.connector_id = a.connector_id
            AND k.subject = 'identity:' || a.identity_id AND k.status = 'open') AS is_disputed,
    (SELECT max(r.completed_at) FROM runs r WHERE r.tenant_id = :tenant_id AND r.connector_id = a.connector_id
        AND r.status = 'completed' AND r.kind = 'reconciliation') AS last_run_at
FROM accounts a
LEFT JOIN principals p ON p.tenant_id = :tenant_id AND p.id = a.last_change_by
WHERE a.tenant_id = :tenant_id AND (:identity_id::uuid IS NULL OR a.identity_id = :identity_id)
  AND (:id::uuid IS NULL OR a.id = :id)
ORDER BY a.connector_id, a.object_class LIMIT 100
