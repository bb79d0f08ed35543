-- name: ask_people
-- Only where there are accounts of nobody that they could lead to, or keys of people.
INSERT INTO recorrelations (tenant_id, kind, ref_id)
SELECT :tenant_id, 'person', n.id FROM unnest(:ids::uuid[]) AS n(id)
WHERE EXISTS (SELECT 1 FROM match_keys WHERE tenant_id = :tenant_id)
   OR EXISTS (SELECT 1 FROM identity_key_states WHERE tenant_id = :tenant_id)
ORDER BY n.id
ON CONFLICT DO NOTHING

-- name: ask_target
INSERT INTO recorrelations (tenant_id, kind, ref_id) SELECT :tenant_id, 'target', :ref_id ON CONFLICT DO NOTHING

-- name: next
SELECT ref_id FROM recorrelations WHERE tenant_id = :tenant_id AND kind = :kind ORDER BY ref_id LIMIT :limit

-- name: remove
DELETE FROM recorrelations WHERE tenant_id = :tenant_id AND kind = :kind AND ref_id = ANY(:ids::uuid[])

-- name: has_keys
-- Which of these targets have accounts of nobody that keys lead to.
SELECT t.id FROM unnest(:connector_ids::uuid[]) AS t(id)
WHERE EXISTS (SELECT 1 FROM match_keys WHERE tenant_id = :tenant_id AND connector_id = t.id)

-- name: unowned
-- Of these accounts those that nobody owns, with nothing under way.
SELECT id, uid, observed, observed_active, observed_hash FROM accounts
WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[]) AND identity_id IS NULL AND uid IS NOT NULL
  AND state <> 'dead' AND live = 0
ORDER BY id

-- name: last_run
SELECT id FROM runs WHERE tenant_id = :tenant_id AND connector_id = :connector_id ORDER BY id DESC LIMIT 1
