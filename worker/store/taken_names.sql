-- part: held
-- Whether a name counts: its account has it, or its operation lives. What lives is looked up by its key and no other way:
-- as EXISTS it may be hashed, and without an order come by any index: both read all dead letters of the tenant.
(EXISTS (SELECT 1 FROM accounts a WHERE a.tenant_id = :tenant_id AND a.id = n.account_id AND a.state <> 'dead'
        AND (a.hooked ->> n.attribute = n.value OR a.observed ->> n.attribute = n.value))
    OR coalesce((SELECT true FROM operations o WHERE o.tenant_id = :tenant_id AND o.id = n.operation_id),
        (SELECT d.id FROM dead_letters d WHERE d.tenant_id = :tenant_id AND d.id >= n.operation_id
         ORDER BY d.id LIMIT 1) = n.operation_id, false))

-- name: among
-- Which of these names are taken, and for whom.
SELECT n.attribute, n.value_hash, n.account_id, n.taken_at, {held} AS is_held
FROM unnest(:attributes::text[], :hashes::bytea[]) AS w(attribute, value_hash), LATERAL (
    SELECT * FROM taken_names n WHERE n.tenant_id = :tenant_id AND n.connector_id = :connector_id
        AND n.object_class = :object_class AND n.attribute = w.attribute AND n.value_hash = w.value_hash LIMIT 1) n

-- name: of_accounts
-- Accounts of ours that have one of these names without having taken it: read only where the target cannot be asked. One
-- pass over the accounts of a connector for each attribute, however many names are looked for.
SELECT w.attribute, w.value, h.id AS account_id
FROM (SELECT DISTINCT attribute FROM unnest(:attributes::text[]) AS n(attribute)) t
CROSS JOIN LATERAL (
    SELECT a.id, v.value
    FROM accounts a
    CROSS JOIN LATERAL (VALUES (lower(a.hooked ->> t.attribute)), (lower(a.observed ->> t.attribute)),
        (lower(a.wanted ->> t.attribute))) AS v(value)
    WHERE a.tenant_id = :tenant_id AND a.connector_id = :connector_id AND a.object_class = :object_class
      AND a.state <> 'dead' AND v.value IS NOT NULL
) h
JOIN unnest(:attributes::text[], :values::text[]) AS w(attribute, value)
    ON w.attribute = t.attribute AND w.value = h.value

-- name: drop
-- Names that count no more, unless somebody took them over meanwhile; in the order of their keys, as in take.
WITH old AS MATERIALIZED (
    SELECT n.attribute, n.value_hash FROM taken_names n
    JOIN unnest(:attributes::text[], :hashes::bytea[], :times::timestamptz[]) AS w(attribute, value_hash, taken_at)
        ON n.attribute = w.attribute AND n.value_hash = w.value_hash AND n.taken_at = w.taken_at
    WHERE n.tenant_id = :tenant_id AND n.connector_id = :connector_id AND n.object_class = :object_class
    ORDER BY n.attribute, n.value_hash FOR UPDATE OF n
)
DELETE FROM taken_names n USING old
WHERE n.tenant_id = :tenant_id AND n.connector_id = :connector_id AND n.object_class = :object_class
  AND n.attribute = old.attribute AND n.value_hash = old.value_hash

-- name: take
-- In the order of their keys, so that two who take several wait for each other and not in a circle. What an account
-- had taken before is its own again.
INSERT INTO taken_names AS n (tenant_id, connector_id, object_class, attribute, value_hash, value, account_id,
    operation_id, iteration, taken_at)
SELECT :tenant_id, :connector_id, :object_class, w.attribute, w.value_hash, w.value, w.account_id, w.operation_id,
    w.iteration, db_now()
FROM unnest(:attributes::text[], :hashes::bytea[], :values::text[], :account_ids::uuid[], :operation_ids::uuid[],
    :iterations::integer[]) AS w(attribute, value_hash, value, account_id, operation_id, iteration)
ORDER BY w.attribute, w.value_hash
ON CONFLICT (tenant_id, connector_id, object_class, attribute, value_hash) DO UPDATE SET
    value = excluded.value, operation_id = excluded.operation_id, iteration = excluded.iteration,
    taken_at = excluded.taken_at
WHERE n.account_id = excluded.account_id
RETURNING attribute, value_hash

-- name: give_back
-- Names that an account did not get after all.
DELETE FROM taken_names n USING unnest(:attributes::text[], :hashes::bytea[]) AS w(attribute, value_hash)
WHERE n.tenant_id = :tenant_id AND n.connector_id = :connector_id AND n.object_class = :object_class
  AND n.account_id = :account_id AND n.attribute = w.attribute AND n.value_hash = w.value_hash

-- name: iterations
-- How many names the target had refused when earlier tries of these operations took theirs.
SELECT operation_id, max(iteration) AS iteration FROM taken_names
WHERE tenant_id = :tenant_id AND operation_id = ANY(:operation_ids::uuid[]) GROUP BY operation_id

-- name: prune
-- Of the oldest names before a moment, those that count no more. A whole import takes its names at one moment, so pages
-- follow each other by time and key; who it looked at last comes back, nobody where there was none to look at.
WITH oldest AS MATERIALIZED (
    SELECT n.connector_id, n.object_class, n.attribute, n.value_hash, n.taken_at, {held} AS is_held
    FROM taken_names n
    WHERE n.tenant_id = :tenant_id AND n.taken_at >= :after AND n.taken_at < :before
      AND (n.taken_at, n.value_hash, n.connector_id, n.object_class, n.attribute)
        > (:after, :value_hash::bytea, :connector_id::uuid, :object_class::text, :attribute::text)
    ORDER BY n.taken_at, n.value_hash, n.connector_id, n.object_class, n.attribute LIMIT :limit
),
gone AS (
    DELETE FROM taken_names n USING oldest o
    WHERE n.tenant_id = :tenant_id AND n.connector_id = o.connector_id AND n.object_class = o.object_class
      AND n.attribute = o.attribute AND n.value_hash = o.value_hash AND n.taken_at = o.taken_at AND NOT o.is_held
    RETURNING 1
)
SELECT (SELECT count(*) FROM gone) AS gone, o.taken_at, o.value_hash, o.connector_id, o.object_class, o.attribute
FROM oldest o ORDER BY o.taken_at DESC, o.value_hash DESC, o.connector_id DESC, o.object_class DESC, o.attribute DESC
LIMIT 1
