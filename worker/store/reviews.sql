-- name: insert
INSERT INTO correlation_reviews (tenant_id, id, connector_id, account_id, identity_id, kind, confidence, is_one,
    rule_set_version, reviewed_at, reviewed_by, case_id)
SELECT :tenant_id, n.id, :connector_id, n.account_id, n.identity_id, :kind, n.confidence, n.is_one, :rule_set_version,
    db_now(), :reviewed_by, :case_id
FROM unnest(:ids::uuid[], :account_ids::uuid[], :identity_ids::uuid[], :confidences::float8[], :are_one::boolean[])
    AS n(id, account_id, identity_id, confidence, is_one)

-- name: last
-- The last ones of a kind (NULL: any), with how sure the rules were.
SELECT connector_id, account_id, confidence, is_one, reviewed_at FROM correlation_reviews
WHERE tenant_id = :tenant_id AND (:connector_id::uuid IS NULL OR connector_id = :connector_id)
  AND (:kind::text IS NULL OR kind = :kind)
ORDER BY id DESC LIMIT :limit

-- name: queue
-- What waits for a person: questions, links to check, and since when.
SELECT kind, count(*) AS n, min(created_at) AS oldest_at, count(operation_id) AS operations FROM cases
WHERE tenant_id = :tenant_id AND status = 'open' AND (:connector_id::uuid IS NULL OR connector_id = :connector_id)
GROUP BY kind

-- name: said
SELECT verdict, count(*) AS n FROM decisions
WHERE tenant_id = :tenant_id AND (:connector_id::uuid IS NULL OR connector_id = :connector_id) GROUP BY verdict

-- name: now
SELECT db_now()

-- name: checkable
-- Of these accounts those that the rules linked by themselves, that nobody checked and no open case is about.
SELECT a.id, a.identity_id, a.match, i.user_name FROM accounts a
JOIN identities i ON i.tenant_id = :tenant_id AND i.id = a.identity_id
WHERE a.tenant_id = :tenant_id AND a.id = ANY(:ids::uuid[]) AND a.match ->> 'decision' = 'auto'
  AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.tenant_id = :tenant_id AND c.account_id = a.id
                  AND (c.status = 'open' OR c.kind = 'spot_check'))
ORDER BY a.id

-- name: open_checks
INSERT INTO cases (tenant_id, id, connector_id, subject, account_id, status, candidates, explanation, rule_set_version,
    created_at, kind)
SELECT :tenant_id, n.id, :connector_id, 'account:' || n.account_id, n.account_id, 'open', n.wrapped -> 'list',
    n.explanation, n.rule_set_version, db_now(), 'spot_check'
FROM unnest(:ids::uuid[], :account_ids::uuid[], :candidates::jsonb[], :explanations::text[],
            :rule_set_versions::integer[])
    AS n(id, account_id, wrapped, explanation, rule_set_version)
ON CONFLICT (tenant_id, connector_id, subject) WHERE status = 'open' DO NOTHING
RETURNING id
