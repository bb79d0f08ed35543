-- name: page
-- The newest first, with the subject's name: a user name, or the uid of an account.
SELECT c.*, k.name AS connector_name, coalesce(i.user_name, a.uid, c.subject) AS subject_name,
    p.name AS decided_by_name, i.attributes AS identity_attributes, a.observed AS account_attributes, i.external_id
FROM (
    SELECT c.* FROM cases c
    WHERE c.tenant_id = :tenant_id AND (:id::uuid IS NULL OR c.id = :id)
      AND (:is_open::boolean IS NULL OR (c.status = 'open') = :is_open)
      AND (:connector_id::uuid IS NULL OR c.connector_id = :connector_id)
      AND (:q::text IS NULL
           OR EXISTS (SELECT 1 FROM identities i WHERE i.tenant_id = :tenant_id AND i.id = c.identity_id
                      AND i.user_name_key ~>=~ lower(:q) AND i.user_name_key ~<~ lower(:q_end::text))
           OR EXISTS (SELECT 1 FROM accounts a WHERE a.tenant_id = :tenant_id AND a.id = c.account_id
                      AND a.uid ~>=~ :q AND a.uid ~<~ :q_end))
      AND (:before::uuid IS NULL OR c.id < :before) AND (:after::uuid IS NULL OR c.id > :after)
    ORDER BY CASE WHEN :after::uuid IS NOT NULL THEN c.id END, CASE WHEN :after::uuid IS NULL THEN c.id END DESC
    LIMIT :limit) AS c
LEFT JOIN connectors k ON k.tenant_id = :tenant_id AND k.id = c.connector_id
LEFT JOIN identities i ON i.tenant_id = :tenant_id AND i.id = c.identity_id
LEFT JOIN accounts a ON a.tenant_id = :tenant_id AND a.id = c.account_id
LEFT JOIN principals p ON p.tenant_id = :tenant_id AND p.id = c.decided_by
ORDER BY c.id DESC

-- name: counts
SELECT c.status = 'open' AS is_open, count(*) AS n FROM cases c
WHERE c.tenant_id = :tenant_id AND (:connector_id::uuid IS NULL OR c.connector_id = :connector_id)
  AND (:q::text IS NULL
       OR EXISTS (SELECT 1 FROM identities i WHERE i.tenant_id = :tenant_id AND i.id = c.identity_id
                  AND i.user_name_key ~>=~ lower(:q) AND i.user_name_key ~<~ lower(:q_end::text))
       OR EXISTS (SELECT 1 FROM accounts a WHERE a.tenant_id = :tenant_id AND a.id = c.account_id
                  AND a.uid ~>=~ :q AND a.uid ~<~ :q_end))
GROUP BY 1

-- name: candidates
-- What is known of candidates, people or accounts, by id.
SELECT id, user_name, external_id, attributes, NULL::text AS uid FROM identities
WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[])
UNION ALL
SELECT id, NULL, NULL, coalesce(observed, '{}'), uid FROM accounts
WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[])
