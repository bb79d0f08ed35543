-- name: many
-- How many mismatches a target has, read from an index alone, up to a limit.
SELECT count(*) FROM (
    SELECT 1 FROM discrepancies
    WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND discrepancy_type = 'mismatch'
      AND resolution_status = ANY(:statuses::text[]) LIMIT :limit) AS d

-- name: total
SELECT count(*) FROM discrepancies
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND discrepancy_type = 'mismatch'
  AND resolution_status = ANY(:statuses::text[])

-- name: ends
-- The first and the last finding.
SELECT (SELECT id FROM discrepancies WHERE tenant_id = :tenant_id AND connector_id = :connector_id
          AND (:settled::boolean OR resolution_status = 'pending') ORDER BY id LIMIT 1) AS first,
    (SELECT id FROM discrepancies WHERE tenant_id = :tenant_id AND connector_id = :connector_id
          AND (:settled OR resolution_status = 'pending') ORDER BY id DESC LIMIT 1) AS last

-- name: groups
-- A few mismatches from each of many places, by what made them; ``looked`` at so many.
WITH sampled AS MATERIALIZED (
    SELECT d.* FROM unnest(:starts::uuid[], :ends::uuid[]) AS s(from_id, to_id) CROSS JOIN LATERAL (
        SELECT d.causes, d.resolution_status, d.finding_key, d.last_seen_run FROM discrepancies d
        WHERE d.tenant_id = :tenant_id AND d.connector_id = :connector_id AND d.discrepancy_type = 'mismatch'
          AND (:settled::boolean OR d.resolution_status = 'pending') AND d.id >= s.from_id AND d.id < s.to_id
        ORDER BY d.id LIMIT :each) AS d
)
SELECT c.cause, count(*) AS n, count(*) FILTER (WHERE cardinality(d.causes) = 1) AS alone,
    count(*) FILTER (WHERE d.resolution_status = 'pending') AS open, min(d.finding_key) AS sample,
    (SELECT count(*) FROM sampled) AS looked
FROM sampled d CROSS JOIN LATERAL unnest(d.causes) AS c(cause)
WHERE :run_id::uuid IS NULL OR d.last_seen_run = :run_id
GROUP BY c.cause HAVING count(*) > 1 ORDER BY count(*) DESC, c.cause LIMIT :limit
