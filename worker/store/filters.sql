-- part: matching
-- Where the condition of a filter is put.
(true /* matching */)

-- part: enabled
(i.active AND i.disabled_at IS NULL AND i.deleted_at IS NULL)

-- name: count
-- How many people match, and how many of them may have active accounts.
SELECT count(*) AS people, count(*) FILTER (WHERE {enabled}) AS enabled
FROM identities i WHERE i.tenant_id = :tenant_id AND {matching}

-- name: sample
-- Some of those who match, spread over all of them by chance, and the same ones for the same seed.
SELECT i.id FROM identities i
WHERE i.tenant_id = :tenant_id AND {enabled} AND {matching}
ORDER BY hashtextextended(i.id::text, :seed::bigint), i.id LIMIT :limit

-- name: concerned
-- Of the next people in id order, those whom a target's scope takes in or who have an account there; and how many were
-- looked at, and the last of them. So a statement takes no longer because few are found.
WITH page AS MATERIALIZED (
    SELECT * FROM identities WHERE tenant_id = :tenant_id AND id > :after::uuid ORDER BY id LIMIT :limit
)
SELECT p.n, p.last, ARRAY(
    SELECT i.id FROM page i
    WHERE EXISTS (SELECT 1 FROM accounts a WHERE a.tenant_id = :tenant_id AND a.identity_id = i.id
                    AND a.connector_id = :connector_id)
        OR ({enabled} AND {matching})
    ORDER BY i.id) AS ids
FROM (SELECT count(*) AS n, max(id::text)::uuid AS last FROM page) p
