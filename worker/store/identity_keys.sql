-- name: state
SELECT made, making, made_to FROM identity_key_states WHERE tenant_id = :tenant_id

-- name: ask
-- Other keys are wanted than those that are there or on their way: all people are gone through from the first one on.
INSERT INTO identity_key_states AS s (tenant_id, making, made_to, updated_at)
SELECT :tenant_id, :making::bigint[], :first::uuid, db_now()
ON CONFLICT (tenant_id) DO UPDATE SET making = EXCLUDED.making, made_to = EXCLUDED.made_to,
    made = ARRAY(SELECT m FROM unnest(s.made) AS m WHERE m = ANY(EXCLUDED.making)), updated_at = EXCLUDED.updated_at
WHERE s.making <> EXCLUDED.making

-- name: advance
-- Only by whoever went through the page before this one.
UPDATE identity_key_states SET made_to = :made_to, updated_at = db_now()
WHERE tenant_id = :tenant_id AND making = :making::bigint[] AND made_to = :seen_to

-- name: finish
UPDATE identity_key_states SET made = :made::bigint[], making = '{}', made_to = NULL, updated_at = db_now()
WHERE tenant_id = :tenant_id AND making = :making::bigint[] AND made_to = :seen_to

-- name: drop
DELETE FROM identity_keys WHERE tenant_id = :tenant_id AND identity_id = ANY(:identity_ids::uuid[])

-- name: insert
INSERT INTO identity_keys (tenant_id, hash, identity_id)
SELECT :tenant_id, n.hash, n.identity_id FROM unnest(:identity_ids::uuid[], :hashes::bigint[]) AS n(identity_id, hash)
ORDER BY n.hash, n.identity_id
ON CONFLICT DO NOTHING

-- name: holders
-- For each place (one who looks) the people who share a key; who shares the rarest keys comes first. A key that too many
-- share finds nobody.
WITH held AS (
    SELECT k.place, m.identity_id, count(*) OVER (PARTITION BY k.place, k.hash) AS many
    FROM unnest(:places::integer[], :hashes::bigint[]) AS k(place, hash)
    CROSS JOIN LATERAL (
        SELECT m.identity_id FROM identity_keys m
        WHERE m.tenant_id = :tenant_id AND m.hash = k.hash LIMIT :most + 1) m
),
ranked AS (
    SELECT place, identity_id, row_number() OVER (PARTITION BY place ORDER BY sum(1.0 / many) DESC, identity_id) AS rank
    FROM held WHERE many <= :most GROUP BY place, identity_id
)
SELECT place, identity_id FROM ranked WHERE rank <= :limit ORDER BY place, rank

-- name: waiting
-- People who are new or have changed, and have not been keyed since; who is only planned anew has not changed.
SELECT ref_id AS id, true AS has_changed FROM (
    SELECT ref_id FROM recorrelations WHERE tenant_id = :tenant_id AND kind = 'person' LIMIT :limit) r
UNION ALL
SELECT identity_id, origin NOT IN ('mapping', 'emergency') FROM (
    SELECT identity_id, origin FROM plan_items WHERE tenant_id = :tenant_id LIMIT :limit) p
