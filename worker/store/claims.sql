-- What processes hold, as noted at each claim (see ``claim`` of operations). Whether an operation is still held its own
-- row says.

-- name: held
-- What these owners have claimed; of some it may be over.
SELECT DISTINCT unnest(c.operation_ids) AS id FROM claims c
WHERE c.tenant_id = :tenant_id AND c.owner = ANY(:owners::uuid[])

-- name: unnoted
-- What somebody holds who has no lease, whoever noted it: reads all that lives.
SELECT o.id, o.owner FROM operations o
WHERE o.tenant_id = :tenant_id AND o.status = 'in_progress' AND o.owner IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = o.owner AND w.expires_at > db_now())

-- name: orphaned
-- Owners that gave their lease back, or were forgotten, and may hold something all the same.
SELECT DISTINCT c.owner FROM claims c
WHERE c.tenant_id = :tenant_id AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = c.owner)

-- part: nothing_held
-- Of a claim: its owner holds nothing of it any more.
NOT EXISTS (SELECT 1 FROM operations o
            WHERE o.tenant_id = :tenant_id AND o.id = ANY(c.operation_ids) AND o.owner = c.owner)

-- name: end
-- What their owner takes for over; its row decides, for a failover may have brought back what had ended.
DELETE FROM claims c
WHERE c.tenant_id = :tenant_id AND c.owner = :owner AND c.id = ANY(:ids::uuid[])
  AND {nothing_held}
RETURNING c.id

-- name: forget
-- Claims of which nothing is held any more.
DELETE FROM claims c
WHERE c.tenant_id = :tenant_id AND c.owner = ANY(:owners::uuid[])
  AND {nothing_held}
