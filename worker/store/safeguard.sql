-- name: lock
-- One acceptor at a time weighs removals of a target, so that two cannot both use the last of what is allowed.
SELECT pg_advisory_xact_lock(hashtextextended(concat('removals', :tenant_id::uuid, :connector_id::uuid), 0))

-- name: used
-- Whole hours are counted, so the window is a little longer than 24 hours and never shorter.
SELECT coalesce(sum(accepted), 0)::bigint FROM removal_counts
WHERE tenant_id = :tenant_id AND connector_id = :connector_id
  AND hour >= date_trunc('hour', db_now(), 'UTC') - interval '24 hours'

-- name: active_accounts
-- Counted up to where the threshold no longer rises.
SELECT count(*) FROM (
    SELECT 1 FROM accounts
    WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND state = 'active' LIMIT :most) AS a

-- name: count
INSERT INTO removal_counts (tenant_id, connector_id, hour, accepted)
VALUES (:tenant_id, :connector_id, date_trunc('hour', db_now(), 'UTC'), :accepted)
ON CONFLICT (tenant_id, connector_id, hour) DO UPDATE SET accepted = removal_counts.accepted + EXCLUDED.accepted

-- name: open_approval
SELECT id, held, sample FROM approvals
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND status = 'open' AND kind = :kind
  AND run_id IS NOT DISTINCT FROM :run_id::uuid
ORDER BY id LIMIT 1 FOR UPDATE

-- name: insert_approval
INSERT INTO approvals (tenant_id, id, connector_id, run_id, kind, status, held, threshold, sample, reason, created_at)
VALUES (:tenant_id, :id, :connector_id, :run_id, :kind, 'open', :held, :threshold, :sample, :reason, db_now())

-- name: grow_approval
UPDATE approvals SET held = held + :held, sample = :sample WHERE tenant_id = :tenant_id AND id = :id

-- name: lock_approval
SELECT id, connector_id, run_id, kind, status, held, threshold, sample, reason FROM approvals
WHERE tenant_id = :tenant_id AND id = :id FOR UPDATE

-- name: approval
SELECT id, connector_id, run_id, kind, status, held, threshold, sample, reason, created_at, decided_at, decided_by, notes
FROM approvals WHERE tenant_id = :tenant_id AND id = :id

-- name: decide
UPDATE approvals SET status = :status, decided_at = db_now(), decided_by = :by, notes = :notes
WHERE tenant_id = :tenant_id AND id = :id AND status = 'open'

-- name: held
SELECT id, epoch, account_id, connector_id FROM operations
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND approval_id = :approval_id
  AND status = 'awaiting_system' AND wait_reason = 'approval'

-- name: who
SELECT a.id, a.uid, i.user_name FROM accounts a
LEFT JOIN identities i ON i.tenant_id = a.tenant_id AND i.id = a.identity_id
WHERE a.tenant_id = :tenant_id AND a.id = ANY(:account_ids::uuid[])
