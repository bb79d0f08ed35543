-- part: shown
id, connector_id, object_class, version, base_version, scope, status, people_total, people_done, done_to, counts,
    samples, verdict, error_message, created_at, created_by, updated_at, finished_at

-- name: supersede
-- One at a time for a target: who asks anew does not wait for the answer to what was asked before.
UPDATE mapping_previews SET status = 'cancelled', updated_at = t.now, finished_at = t.now
FROM (SELECT db_now() AS now) t
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND status IN ('pending', 'running')

-- name: forget
-- The last ones of a target are kept.
DELETE FROM mapping_previews
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND id < (
    SELECT p.id FROM mapping_previews p WHERE p.tenant_id = :tenant_id AND p.connector_id = :connector_id
    ORDER BY p.id DESC LIMIT 1 OFFSET :kept)

-- name: insert
INSERT INTO mapping_previews (tenant_id, id, connector_id, object_class, version, base_version, scope, created_at,
    updated_at, created_by)
SELECT :tenant_id, :id, :connector_id, :object_class, :version, :base_version, :scope, t.now, t.now, :created_by
FROM (SELECT db_now() AS now) t

-- name: get
SELECT {shown} FROM mapping_previews WHERE tenant_id = :tenant_id AND id = :id

-- name: of_connector
SELECT {shown} FROM mapping_previews
WHERE tenant_id = :tenant_id AND connector_id = :connector_id ORDER BY id DESC LIMIT :limit

-- name: next
-- The one that was asked for first.
SELECT {shown} FROM mapping_previews
WHERE tenant_id = :tenant_id AND status IN ('pending', 'running') ORDER BY id LIMIT 1

-- name: advance
-- Only by whoever looked at the next page: two processes that look at one page count it once.
UPDATE mapping_previews SET status = :status, people_total = :people_total, people_done = :people_done,
    done_to = :done_to, counts = :counts, samples = :samples, verdict = :verdict, error_message = :error_message,
    updated_at = t.now, finished_at = CASE WHEN :status IN ('completed', 'failed') THEN t.now END
FROM (SELECT db_now() AS now) t
WHERE tenant_id = :tenant_id AND id = :id AND status IN ('pending', 'running')
  AND done_to IS NOT DISTINCT FROM :seen_to::uuid

-- name: cancel
UPDATE mapping_previews SET status = 'cancelled', updated_at = t.now, finished_at = t.now
FROM (SELECT db_now() AS now) t
WHERE tenant_id = :tenant_id AND id = :id AND status IN ('pending', 'running')

-- name: accounts
-- What these people have at one target, with what was seen there last.
SELECT id, connector_id, object_class, uid, identity_id, state, wanted, wanted_active, observed, observed_active, hooked,
    live, secret_marks
FROM accounts
WHERE tenant_id = :tenant_id AND identity_id = ANY(:identity_ids::uuid[]) AND connector_id = :connector_id
  AND object_class = :object_class
