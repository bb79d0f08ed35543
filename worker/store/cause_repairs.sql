-- name: groups
-- Open mismatches, or all that a run saw last, by what made them; ``alone``: nothing else differs there.
SELECT c.cause, count(*) AS n, count(*) FILTER (WHERE cardinality(d.causes) = 1) AS alone,
    count(*) FILTER (WHERE d.resolution_status = 'pending') AS open, min(d.finding_key) AS sample
FROM discrepancies d CROSS JOIN LATERAL unnest(d.causes) AS c(cause)
WHERE d.tenant_id = :tenant_id AND d.connector_id = :connector_id AND d.discrepancy_type = 'mismatch'
  AND (:run_id::uuid IS NULL OR d.last_seen_run = :run_id)
  AND (:settled::boolean OR d.resolution_status = 'pending')
GROUP BY c.cause HAVING count(*) >= :least ORDER BY count(*) DESC, c.cause LIMIT :limit

-- name: samples
SELECT finding_key, id, external_uid, identity_id, attributes FROM discrepancies
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND finding_key = ANY(:keys::text[])

-- name: count
-- What an approval of these causes would repair, and what it would leave alone because something else differs, too.
SELECT count(*) FILTER (WHERE d.causes <@ :causes::text[]) AS n,
    count(*) FILTER (WHERE NOT d.causes <@ :causes::text[]) AS mixed
FROM discrepancies d
WHERE d.tenant_id = :tenant_id AND d.connector_id = :connector_id AND d.resolution_status = 'pending'
  AND d.discrepancy_type = 'mismatch' AND d.causes && :causes
  AND (:run_id::uuid IS NULL OR d.last_seen_run = :run_id)

-- name: batch
SELECT d.* FROM discrepancies d
WHERE d.tenant_id = :tenant_id AND d.connector_id = :connector_id AND d.resolution_status = 'pending'
  AND d.discrepancy_type = 'mismatch' AND d.causes && :causes::text[] AND d.causes <@ :causes
  AND (:run_id::uuid IS NULL OR d.last_seen_run = :run_id)
  AND (:after::uuid IS NULL OR d.id > :after) AND d.created_at <= :until
ORDER BY d.id LIMIT :limit

-- name: insert
INSERT INTO cause_repairs (tenant_id, id, connector_id, run_id, causes, action, direction, status, total, created_at,
    created_by, updated_at)
SELECT :tenant_id, :id, :connector_id, :run_id, :causes, :action, :direction, 'running', :total, t.now, :created_by,
    t.now
FROM (SELECT db_now() AS now) t
ON CONFLICT DO NOTHING
RETURNING *

-- name: lock
-- Whoever comes second while a batch is under way leaves it alone.
SELECT * FROM cause_repairs WHERE tenant_id = :tenant_id AND id = :id AND status = 'running' FOR UPDATE SKIP LOCKED

-- name: advance
UPDATE cause_repairs SET done_to = coalesce(:done_to::uuid, done_to), succeeded = succeeded + :succeeded,
    failed = failed + :failed, skipped = skipped + :skipped,
    approval_id = coalesce(approval_id, :approval_id::uuid), updated_at = db_now(),
    status = CASE WHEN :is_last::boolean THEN 'completed' ELSE status END,
    finished_at = CASE WHEN :is_last THEN db_now() END
WHERE tenant_id = :tenant_id AND id = :id AND status = 'running'

-- name: cancel
UPDATE cause_repairs SET status = 'cancelled', finished_at = db_now(), updated_at = db_now()
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND id = :id AND status = 'running'
RETURNING *

-- name: get
SELECT * FROM cause_repairs WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND id = :id

-- name: page
SELECT * FROM cause_repairs
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND (:before::uuid IS NULL OR id < :before)
ORDER BY id DESC LIMIT :limit

-- name: running
SELECT id FROM cause_repairs WHERE tenant_id = :tenant_id AND status = 'running' ORDER BY id
