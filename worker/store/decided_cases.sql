-- part: pattern
-- What the rules said of the best candidate: which spoke for it and which against.
SELECT string_agg(said.rule || said.sign, ' ' ORDER BY said.rule COLLATE "C") AS pattern FROM (
    SELECT x ->> 'rule' AS rule,
        CASE WHEN (x ->> 'points')::float8 >= 0.05 THEN '+' WHEN (x ->> 'points')::float8 <= -0.05 THEN '-' END AS sign
    FROM jsonb_array_elements(CASE WHEN jsonb_typeof(c.candidates -> 0 -> 'contributions') = 'array'
        THEN c.candidates -> 0 -> 'contributions' ELSE '[]' END) AS x) AS said
WHERE said.sign IS NOT NULL

-- name: alike
-- Of the last decisions at this target those about a best candidate of whom the rules said the same, the newest first.
SELECT c.id, c.status, c.decision, c.candidates -> 0 ->> 'ref_id' AS best, c.identity_id, c.account_id, c.decided_at
FROM (
    SELECT c.* FROM cases c
    WHERE c.tenant_id = :tenant_id AND c.connector_id = :connector_id AND c.status IN ('confirmed', 'rejected')
      AND c.id <> :id AND c.candidates <> '[]'
    ORDER BY c.id DESC LIMIT :last) AS c
CROSS JOIN LATERAL ({pattern}) AS there
CROSS JOIN (SELECT here.pattern FROM cases c CROSS JOIN LATERAL ({pattern}) AS here
            WHERE c.tenant_id = :tenant_id AND c.id = :id) AS here
WHERE there.pattern = here.pattern
ORDER BY c.id DESC

-- name: about
-- What people said of these accounts and of these people at this target, the newest first.
SELECT d.account_id, d.identity_id, d.verdict, d.decided_at, a.uid, i.user_name, p.name AS decided_by_name
FROM (
    SELECT d.* FROM decisions d
    WHERE d.tenant_id = :tenant_id AND d.connector_id = :connector_id
      AND (d.account_id = ANY(:account_ids::uuid[]) OR d.identity_id = ANY(:identity_ids::uuid[]))
    ORDER BY d.decided_at DESC LIMIT :limit) AS d
LEFT JOIN accounts a ON a.tenant_id = :tenant_id AND a.id = d.account_id
LEFT JOIN identities i ON i.tenant_id = :tenant_id AND i.id = d.identity_id
LEFT JOIN principals p ON p.tenant_id = :tenant_id AND p.id = d.decided_by
ORDER BY d.decided_at DESC

-- name: reopen
-- A person's answer is taken back. Nothing where nobody gave one, or the same is asked again in another case.
UPDATE cases c SET status = 'open', decided_at = NULL, decided_by = NULL, decision = NULL,
    account_id = coalesce(:account_id::uuid, c.account_id),
    subject = CASE WHEN c.account_id IS NULL OR :account_id::uuid IS NULL THEN c.subject
              ELSE 'account:' || :account_id::uuid END
WHERE c.tenant_id = :tenant_id AND c.id = :id AND c.status IN ('confirmed', 'rejected')
  AND NOT EXISTS (SELECT 1 FROM cases o WHERE o.tenant_id = :tenant_id AND o.connector_id = c.connector_id
                  AND o.status = 'open' AND o.subject = ANY(ARRAY[c.subject, 'account:' || :account_id::uuid]))
RETURNING c.id

-- name: linked_by
-- The account that this case gave to somebody, where they still have it.
SELECT id, uid, observed FROM accounts
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND object_class = :object_class
  AND identity_id = :identity_id AND match ->> 'case_id' = :case_id::text

-- name: forget_reviews
DELETE FROM correlation_reviews WHERE tenant_id = :tenant_id AND case_id = :case_id

-- name: settled_by_link
-- Findings about an account that were settled when it got its owner.
SELECT id FROM discrepancies
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND finding_key = ANY(:keys::text[])
  AND resolution_status = 'resolved' AND resolved_action = 'link' AND resolved_at >= :since
