-- name: by_keys
-- For each place (one who looks) the accounts of nobody that share a key; those that share most come first. A key that
-- very many share finds nobody.
WITH k AS (
    SELECT * FROM unnest(:places::integer[], :kinds::text[], :hashes::bigint[]) AS k(place, kind, hash)
),
shared AS (
    SELECT k.place, m.account_id, count(*) AS n FROM k CROSS JOIN LATERAL (
        SELECT m.account_id FROM match_keys m
        WHERE m.tenant_id = :tenant_id AND m.connector_id = :connector_id AND m.hash = k.hash AND m.kind = k.kind
        LIMIT :limit) m
    GROUP BY k.place, m.account_id
),
ranked AS (
    SELECT s.place, a.id, row_number() OVER (PARTITION BY s.place ORDER BY s.n DESC, a.id) AS rank FROM shared s
    JOIN accounts a ON a.tenant_id = :tenant_id AND a.id = ANY(ARRAY(SELECT account_id FROM shared))
        AND a.id = s.account_id
    WHERE a.identity_id IS NULL AND a.uid IS NOT NULL AND a.state <> 'dead'
)
SELECT place, id FROM ranked WHERE rank <= :limit ORDER BY place, rank

-- name: seen_as
SELECT id, uid, observed FROM accounts WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[])

-- name: drop_keys
DELETE FROM match_keys WHERE tenant_id = :tenant_id AND account_id = ANY(:account_ids::uuid[])

-- name: drop_keys_of_rules
DELETE FROM match_keys WHERE tenant_id = :tenant_id AND account_id = ANY(:account_ids::uuid[]) AND kind <> :kept

-- name: drop_other_keys
DELETE FROM match_keys m WHERE m.tenant_id = :tenant_id AND m.account_id = ANY(:of::uuid[]) AND m.kind = :kind
  AND NOT EXISTS (SELECT 1 FROM unnest(:account_ids::uuid[], :hashes::bigint[]) AS n(account_id, hash)
                  WHERE n.account_id = m.account_id AND n.hash = m.hash)

-- name: insert_keys
INSERT INTO match_keys (tenant_id, connector_id, kind, hash, account_id)
SELECT :tenant_id, :connector_id, n.kind, n.hash, n.account_id
FROM unnest(:account_ids::uuid[], :kinds::text[], :hashes::bigint[]) AS n(account_id, kind, hash)
ORDER BY n.hash, n.kind, n.account_id
ON CONFLICT DO NOTHING

-- name: keyless
-- Accounts of nobody that no key leads to: keys were never made, or a new rule set made the old ones void.
SELECT a.id, a.observed FROM accounts a
WHERE a.tenant_id = :tenant_id AND a.connector_id = :connector_id AND a.identity_id IS NULL AND a.uid IS NOT NULL
  AND a.state <> 'dead' AND a.id > :after
  AND NOT EXISTS (SELECT 1 FROM match_keys m WHERE m.tenant_id = :tenant_id AND m.account_id = a.id)
ORDER BY a.id LIMIT :limit

-- name: drop_all_keys
DELETE FROM match_keys WHERE tenant_id = :tenant_id AND connector_id = :connector_id

-- name: active_rule_set
SELECT version, rules FROM rule_sets WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND is_active

-- name: decisions_of
SELECT account_id, identity_id, verdict, evidence FROM decisions
WHERE tenant_id = :tenant_id AND connector_id = :connector_id
  AND (account_id = ANY(:account_ids::uuid[]) OR identity_id = ANY(:identity_ids::uuid[]))

-- name: decide
-- A person's word on an account and an identity replaces an earlier one.
INSERT INTO decisions (tenant_id, connector_id, account_id, identity_id, verdict, evidence, decided_at, decided_by)
SELECT :tenant_id, :connector_id, n.account_id, n.identity_id, n.verdict, n.evidence, db_now(), :decided_by
FROM unnest(:account_ids::uuid[], :identity_ids::uuid[], :verdicts::text[], :evidences::jsonb[])
    AS n(account_id, identity_id, verdict, evidence)
ORDER BY n.account_id, n.identity_id
ON CONFLICT (tenant_id, connector_id, account_id, identity_id) DO UPDATE SET verdict = EXCLUDED.verdict,
    evidence = EXCLUDED.evidence, decided_at = EXCLUDED.decided_at, decided_by = EXCLUDED.decided_by

-- name: withdraw
DELETE FROM decisions d USING unnest(:account_ids::uuid[], :identity_ids::uuid[]) AS n(account_id, identity_id)
WHERE d.tenant_id = :tenant_id AND d.connector_id = :connector_id AND d.account_id = n.account_id
  AND d.identity_id = n.identity_id

-- name: move_decisions
-- Two rows turned out to be one object: what was said of the one holds for the other.
UPDATE decisions d SET account_id = n.new_id
FROM unnest(:old_ids::uuid[], :new_ids::uuid[]) AS n(old_id, new_id)
WHERE d.tenant_id = :tenant_id AND d.connector_id = :connector_id AND d.account_id = n.old_id
  AND NOT EXISTS (SELECT 1 FROM decisions e WHERE e.tenant_id = :tenant_id AND e.connector_id = :connector_id
                  AND e.account_id = n.new_id AND e.identity_id = d.identity_id)

-- name: open_cases
-- One open case per subject: a newer look at it replaces its candidates, which come wrapped in an object.
INSERT INTO cases AS c (tenant_id, id, connector_id, subject, identity_id, account_id, operation_id, status, candidates,
    explanation, rule_set_version, created_at)
SELECT :tenant_id, n.id, :connector_id, n.subject, n.identity_id, n.account_id, n.operation_id, 'open', n.wrapped -> 'list',
    n.explanation, n.rule_set_version, db_now()
FROM unnest(:ids::uuid[], :subjects::text[], :identity_ids::uuid[], :account_ids::uuid[], :operation_ids::uuid[],
            :candidates::jsonb[], :explanations::text[], :rule_set_versions::integer[])
    AS n(id, subject, identity_id, account_id, operation_id, wrapped, explanation, rule_set_version)
ORDER BY n.subject
ON CONFLICT (tenant_id, connector_id, subject) WHERE status = 'open' DO UPDATE SET candidates = EXCLUDED.candidates,
    explanation = EXCLUDED.explanation, rule_set_version = EXCLUDED.rule_set_version,
    operation_id = coalesce(EXCLUDED.operation_id, c.operation_id)
WHERE c.candidates <> EXCLUDED.candidates OR c.explanation <> EXCLUDED.explanation
   OR (EXCLUDED.operation_id IS NOT NULL AND c.operation_id IS DISTINCT FROM EXCLUDED.operation_id)

-- name: open_case_ids
SELECT id, subject FROM cases
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND status = 'open' AND subject = ANY(:subjects::text[])

-- name: case
SELECT * FROM cases WHERE tenant_id = :tenant_id AND id = :id

-- name: settle_case
UPDATE cases SET status = :status, decided_at = db_now(), decided_by = :decided_by, decision = :decision
WHERE tenant_id = :tenant_id AND id = :id AND status = 'open'
RETURNING *

-- name: redecide_case
-- A person decided, and was wrong.
UPDATE cases SET status = 'confirmed', decided_at = db_now(), decided_by = :decided_by, decision = :decision
WHERE tenant_id = :tenant_id AND id = :id AND status IN ('confirmed', 'rejected')

-- name: close_cases
-- The question has answered itself.
UPDATE cases SET status = 'closed', decided_at = db_now(), decision = :decision
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND status = 'open' AND subject = ANY(:subjects::text[])

-- name: close_stale_cases
-- Cases about accounts that this complete run did not find ambiguous.
UPDATE cases SET status = 'closed', decided_at = db_now(), decision = '{"reason": "no longer ambiguous"}'
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND status = 'open' AND account_id IS NOT NULL
  AND operation_id IS NULL AND kind = 'question' AND subject <> ALL(:subjects::text[])

-- name: cases_page
SELECT * FROM cases
WHERE tenant_id = :tenant_id AND (:connector_id::uuid IS NULL OR connector_id = :connector_id)
  AND (:statuses::text[] IS NULL OR status = ANY(:statuses)) AND (:before::uuid IS NULL OR id < :before)
ORDER BY id DESC LIMIT :limit OFFSET :offset

-- name: cases_count
SELECT status, count(*) AS n FROM cases
WHERE tenant_id = :tenant_id AND (:connector_id::uuid IS NULL OR connector_id = :connector_id) GROUP BY status

-- name: people
-- The next people, whoever they are and whatever they have.
SELECT id, external_id, user_name, attributes, active, version, authority, revision, disabled_at, deleted_at
FROM identities WHERE tenant_id = :tenant_id AND deleted_at IS NULL AND id > :after ORDER BY id LIMIT :limit

-- name: people_rows
-- The next people as one text, for another process to take apart: id, external id, user name, whether enabled, attributes.
WITH p AS MATERIALIZED (
    SELECT id, external_id, user_name, active AND disabled_at IS NULL AS is_enabled, attributes FROM identities
    WHERE tenant_id = :tenant_id AND deleted_at IS NULL AND id > :after ORDER BY id LIMIT :limit
)
SELECT count(*) AS n, (array_agg(p.id ORDER BY p.id DESC))[1] AS last,
    json_agg(json_build_array(p.id, p.external_id, p.user_name, p.is_enabled, p.attributes) ORDER BY p.id)::text AS rows
FROM p

-- name: people_of
SELECT id, external_id, user_name, attributes, active, version, authority, revision, disabled_at, deleted_at
FROM identities WHERE tenant_id = :tenant_id AND deleted_at IS NULL AND id = ANY(:ids::uuid[]) ORDER BY id

-- name: taken
-- A condition on uid would offer the planner an index that is of no use here.
SELECT identity_id, uid IS NOT NULL AND state <> 'dead' AS has_account FROM accounts
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND object_class = :object_class
  AND identity_id = ANY(:identity_ids::uuid[])
