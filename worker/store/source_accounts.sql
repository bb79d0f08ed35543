-- name: changed
-- The rows of a page that are not as we know them, by their place (from 1), with what we know.
-- Each is found by its key: LIMIT keeps it from being a join.
SELECT n.place, a.identity_id, a.state FROM unnest(:uids::text[], :hashes::bigint[]) WITH ORDINALITY AS n(uid, hash, place)
LEFT JOIN LATERAL (
    SELECT id, identity_id, state, observed_hash FROM accounts
    WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND object_class = :object_class AND uid = n.uid
    LIMIT 1) a ON true
WHERE a.id IS NULL OR a.observed_hash IS DISTINCT FROM n.hash OR a.state <> 'active' OR a.identity_id IS NULL

-- name: others_of
-- Rows of this source, under another uid, that these people have already. One that is gone is in nobody's way.
SELECT a.identity_id, a.uid FROM accounts a
JOIN unnest(:identity_ids::uuid[], :uids::text[]) AS n(identity_id, uid) ON a.identity_id = n.identity_id
WHERE a.tenant_id = :tenant_id AND a.connector_id = :connector_id AND a.object_class = :object_class
  AND a.uid <> n.uid AND (a.state <> 'dead' OR a.live > 0)

-- name: let_go
-- Rows that are gone lose their people, who have another one from now on.
UPDATE accounts a SET identity_id = NULL FROM unnest(:identity_ids::uuid[], :uids::text[]) AS n(identity_id, uid)
WHERE a.tenant_id = :tenant_id AND a.connector_id = :connector_id AND a.object_class = :object_class
  AND a.identity_id = ANY(:identity_ids::uuid[]) AND a.identity_id = n.identity_id AND a.uid <> n.uid
  AND a.state = 'dead' AND a.live = 0

-- name: upsert
INSERT INTO accounts (tenant_id, id, connector_id, object_class, uid, identity_id, state, observed, observed_active,
    observed_hash, first_seen_run, changed_run)
SELECT :tenant_id, n.id, :connector_id, :object_class, n.uid, n.identity_id, 'active', n.observed, n.observed_active,
    n.observed_hash, :run_id, :run_id
FROM unnest(:ids::uuid[], :uids::text[], :identity_ids::uuid[], :observed::jsonb[], :observed_active::boolean[],
            :hashes::bigint[]) AS n(id, uid, identity_id, observed, observed_active, observed_hash)
ORDER BY n.uid
ON CONFLICT (tenant_id, connector_id, object_class, uid) WHERE uid IS NOT NULL DO UPDATE SET
    has_others = accounts.has_others
        OR (accounts.live > 0 AND accounts.identity_id IS DISTINCT FROM EXCLUDED.identity_id),
    identity_id = EXCLUDED.identity_id, state = 'active', observed = EXCLUDED.observed,
    observed_active = EXCLUDED.observed_active, observed_hash = EXCLUDED.observed_hash, gone_at = NULL,
    changed_run = EXCLUDED.changed_run

-- name: known
-- Rows that the source is known to have, in the order of their uid.
SELECT id, uid, identity_id, first_seen_run FROM accounts
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND object_class = :object_class AND uid IS NOT NULL
  AND state = 'active' AND uid > :after
ORDER BY uid LIMIT :limit

-- name: names
SELECT a.uid, i.user_name FROM accounts a
LEFT JOIN identities i ON i.tenant_id = a.tenant_id AND i.id = a.identity_id
WHERE a.tenant_id = :tenant_id AND a.id = ANY(:ids::uuid[]) ORDER BY a.uid

-- name: bury
-- These rows are gone from the source; the people of whom no other source has a row.
WITH gone AS (
    UPDATE accounts SET state = 'dead', gone_at = db_now(), changed_run = :run_id
    WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[]) AND state = 'active'
    RETURNING connector_id, identity_id
)
SELECT g.identity_id FROM gone g
WHERE g.identity_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM accounts a JOIN connectors c ON c.tenant_id = a.tenant_id AND c.id = a.connector_id AND c.is_source
    WHERE a.tenant_id = :tenant_id AND a.identity_id = g.identity_id AND a.connector_id <> g.connector_id
      AND a.state = 'active')
