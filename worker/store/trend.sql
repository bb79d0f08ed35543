-- name: detected
-- What runs found for the first time, or again after it was gone, by the day they began. Ids are ordered by time: those
-- of a day more on both sides are looked through.
SELECT t.day, k.key AS kind, sum(k.value::bigint)::bigint AS n
FROM (
    SELECT (coalesce(r.started_at, r.created_at) AT TIME ZONE 'UTC')::date AS day, r.statistics -> 'detected' AS found
    FROM runs r
    WHERE r.tenant_id = :tenant_id AND r.id >= :first::uuid AND r.id < :last::uuid AND r.kind = 'reconciliation'
      AND (:connector_id::uuid IS NULL OR r.connector_id = :connector_id) AND r.statistics ? 'detected') t
CROSS JOIN LATERAL jsonb_each_text(t.found) k
WHERE t.day BETWEEN :from_day AND :to_day
GROUP BY t.day, k.key

-- name: missed
-- Findings of full runs in accounts of whose change the target had not told, by the day these began.
SELECT (coalesce(r.started_at, r.created_at) AT TIME ZONE 'UTC')::date AS day,
    sum((r.statistics -> 'missed' ->> 'count')::bigint)::bigint AS n
FROM runs r
WHERE r.tenant_id = :tenant_id AND r.id >= :first::uuid AND r.id < :last::uuid AND r.kind = 'reconciliation'
  AND (:connector_id::uuid IS NULL OR r.connector_id = :connector_id) AND r.statistics -> 'missed' ? 'count'
GROUP BY 1

-- name: open
-- How many were open at the end of each day that was looked at, and on the last one before.
SELECT d.connector_id, d.day, d.open FROM discrepancy_days d
WHERE d.tenant_id = :tenant_id AND (:connector_id::uuid IS NULL OR d.connector_id = :connector_id)
  AND d.day BETWEEN :from_day AND :to_day
UNION ALL
SELECT b.connector_id, b.day, b.open FROM connectors c CROSS JOIN LATERAL (
    SELECT d.connector_id, d.day, d.open FROM discrepancy_days d
    WHERE d.tenant_id = :tenant_id AND d.connector_id = c.id AND d.day < :from_day
    ORDER BY d.day DESC LIMIT 1) b
WHERE c.tenant_id = :tenant_id AND (:connector_id::uuid IS NULL OR c.id = :connector_id)

-- name: open_now
SELECT d.connector_id, d.discrepancy_type, count(*) AS n FROM discrepancies d
WHERE d.tenant_id = :tenant_id AND d.resolution_status = 'pending'
  AND (:connector_id::uuid IS NULL OR d.connector_id = :connector_id)
GROUP BY d.connector_id, d.discrepancy_type

-- name: note
-- A day is written again only when there is something else to say of it.
INSERT INTO discrepancy_days (tenant_id, connector_id, day, open)
SELECT :tenant_id, c.id, (db_now() AT TIME ZONE 'UTC')::date, coalesce(f.open, '{}')
FROM connectors c
LEFT JOIN (
    SELECT n.connector_id, jsonb_object_agg(n.discrepancy_type, n.n) AS open
    FROM (SELECT d.connector_id, d.discrepancy_type, count(*) AS n FROM discrepancies d
          WHERE d.tenant_id = :tenant_id AND d.resolution_status = 'pending'
          GROUP BY d.connector_id, d.discrepancy_type) n
    GROUP BY n.connector_id) f ON f.connector_id = c.id
WHERE c.tenant_id = :tenant_id AND c.is_target
ORDER BY c.id
ON CONFLICT (tenant_id, connector_id, day) DO UPDATE SET open = EXCLUDED.open
WHERE discrepancy_days.open <> EXCLUDED.open

-- name: wake_ignored
-- Findings that were put aside until a time that is over. What a complete run did not find again is closed already.
UPDATE discrepancies d SET resolution_status = 'pending', ignored_reason = NULL, ignored_until = NULL,
    resolved_action = NULL, resolved_at = NULL, resolved_by = NULL, version = d.version + 1
WHERE d.tenant_id = :tenant_id AND d.id = ANY(ARRAY(
    SELECT i.id FROM discrepancies i
    WHERE i.tenant_id = :tenant_id AND i.resolution_status = 'ignored' AND i.ignored_until <= db_now()
    ORDER BY i.finding_key LIMIT :limit FOR UPDATE SKIP LOCKED))
RETURNING d.id, d.connector_id
