-- part: matching
-- Where the condition of a filter is put.
(true /* matching */)

-- part: enabled
(i.active AND i.disabled_at IS NULL AND i.deleted_at IS NULL)

-- name: count
-- How many people match, and how many of them may have active accounts.
SELECT count(*) AS people, count(*) FILTER (WHERE {enabled}) AS enabled
FROM identities i WHERE i.tenant_id = :tenant_id AND {matching}

-- name: ids
-- Those who match, in id order.
SELECT i.id FROM identities i
WHERE i.tenant_id = :tenant_id AND i.id > :after::uuid AND {matching}
ORDER BY i.id LIMIT :limit

-- name: sample
-- Some of those who match, spread over all of them by chance, and the same ones for the same seed.
SELECT i.id FROM identities i
WHERE i.tenant_id = :tenant_id AND {enabled} AND {matching}
ORDER BY hashtextextended(i.id::text, :seed::bigint), i.id LIMIT :limit

-- part: concerned_by
(EXISTS (SELECT 1 FROM accounts a WHERE a.tenant_id = :tenant_id AND a.identity_id = i.id
           AND a.connector_id = :connector_id)
 OR ({enabled} AND {matching}))

-- name: concerned
-- The next people, in id order, whom a target's scope takes in or who have an account there.
SELECT i.id FROM identities i
WHERE i.tenant_id = :tenant_id AND i.id > :after::uuid AND {concerned_by}
ORDER BY i.id LIMIT :limit

-- name: count_concerned
-- How many those are.
SELECT count(*) FROM identities i WHERE i.tenant_id = :tenant_id AND {concerned_by}
