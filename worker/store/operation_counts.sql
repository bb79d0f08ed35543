-- name: ended
-- What ended of what was made in these hours, by status; the rows of open hours are counted elsewhere.
SELECT c.status, sum(c.n)::bigint AS n FROM operation_counts c
WHERE c.tenant_id = :tenant_id AND (:connector_id::uuid IS NULL OR c.connector_id = :connector_id)
  AND (:operation_type::text IS NULL OR c.operation_type = :operation_type)
  AND (:from_hour::timestamptz IS NULL OR (c.made_hour >= :from_hour
       AND c.completed_day >= (:from_hour AT TIME ZONE 'UTC')::date - 1))
  AND (:to_hour::timestamptz IS NULL OR c.made_hour < :to_hour)
GROUP BY c.status

-- name: days
-- Days whose rows can be folded: rows of one kind stand there more than once.
SELECT DISTINCT k.completed_day FROM (
    SELECT c.completed_day FROM operation_counts c
    WHERE c.tenant_id = :tenant_id
    GROUP BY c.completed_day, c.made_hour, c.connector_id, c.operation_type, c.status HAVING count(*) > 1) AS k

-- name: fold
-- Rows of one kind become one. Whoever else folds now has its own rows; a reader sees those before or the one after.
WITH taken AS (
    DELETE FROM operation_counts c
    WHERE c.tenant_id = :tenant_id AND c.completed_day = :day::date AND c.id = ANY(ARRAY(
        SELECT f.id FROM operation_counts f
        WHERE f.tenant_id = :tenant_id AND f.completed_day = :day::date
        ORDER BY f.made_hour, f.connector_id, f.operation_type, f.status
        LIMIT :limit FOR UPDATE SKIP LOCKED))
    RETURNING c.*
)
INSERT INTO operation_counts (tenant_id, completed_day, id, made_hour, connector_id, operation_type, status, n)
SELECT :tenant_id, :day::date, (array_agg(k.id))[1], k.made_hour, k.connector_id, k.operation_type, k.status, sum(k.n)
FROM taken k
GROUP BY k.made_hour, k.connector_id, k.operation_type, k.status

-- name: tenants
-- The next few after one, in a circle that starts again behind the last.
SELECT id FROM tenants WHERE :after::uuid IS NULL OR id > :after ORDER BY id LIMIT :limit
