-- name: days
-- Days where rows of one kind stand more than once.
SELECT DISTINCT k.completed_day FROM (
    SELECT c.completed_day FROM operation_counts c WHERE c.tenant_id = :tenant_id
    GROUP BY c.completed_day, c.made_hour, c.connector_id, c.operation_type, c.status HAVING count(*) > 1) AS k

-- name: fold
-- Rows of one kind become one. Whoever else folds now has other rows; a reader sees those before, or the one after.
WITH taken AS (
    DELETE FROM operation_counts c
    WHERE c.tenant_id = :tenant_id AND c.completed_day = :day::date AND c.id = ANY(ARRAY(
        SELECT f.id FROM operation_counts f WHERE f.tenant_id = :tenant_id AND f.completed_day = :day::date
        ORDER BY f.made_hour, f.connector_id, f.operation_type, f.status
        LIMIT :limit FOR UPDATE SKIP LOCKED))
    RETURNING c.*
)
INSERT INTO operation_counts (tenant_id, completed_day, id, made_hour, connector_id, operation_type, status, n)
SELECT :tenant_id, :day::date, (array_agg(k.id))[1], k.made_hour, k.connector_id, k.operation_type, k.status, sum(k.n)
FROM taken k GROUP BY k.made_hour, k.connector_id, k.operation_type, k.status

-- name: fold_living
-- The same for what lives; what came and went leaves nothing.
WITH taken AS (
    DELETE FROM live_counts c
    WHERE c.tenant_id = :tenant_id AND c.id = ANY(ARRAY(
        SELECT f.id FROM live_counts f WHERE f.tenant_id = :tenant_id
        ORDER BY f.made_hour, f.connector_id, f.operation_type LIMIT :limit FOR UPDATE SKIP LOCKED))
    RETURNING c.*
)
INSERT INTO live_counts (tenant_id, made_hour, connector_id, operation_type, n)
SELECT :tenant_id, k.made_hour, k.connector_id, k.operation_type, sum(k.n)
FROM taken k GROUP BY k.made_hour, k.connector_id, k.operation_type HAVING sum(k.n) <> 0

-- name: alone
-- Whether nobody else sets this tenant's counts right at this moment; holds until the transaction ends.
SELECT pg_try_advisory_xact_lock(uuid_hash_extended(:tenant_id::uuid, 4711002))

-- name: recount
-- What is missing between what lives and what is counted. One statement sees both at one moment, so whatever comes and
-- goes meanwhile is in both or in neither.
WITH actual AS (
    SELECT date_trunc('hour', o.created_at, 'UTC') AS made_hour, o.connector_id, o.operation_type, count(*) AS n
    FROM operations o WHERE o.tenant_id = :tenant_id GROUP BY 1, 2, 3
),
known AS (
    SELECT c.made_hour, c.connector_id, c.operation_type, sum(c.n) AS n
    FROM live_counts c WHERE c.tenant_id = :tenant_id GROUP BY 1, 2, 3
)
INSERT INTO live_counts (tenant_id, made_hour, connector_id, operation_type, n)
SELECT :tenant_id, made_hour, connector_id, operation_type, coalesce(a.n, 0) - coalesce(k.n, 0)
FROM actual a FULL JOIN known k USING (made_hour, connector_id, operation_type)
WHERE coalesce(a.n, 0) <> coalesce(k.n, 0)

-- name: tenants
-- The next few behind one.
SELECT id FROM tenants WHERE :after::uuid IS NULL OR id > :after ORDER BY id LIMIT :limit
