-- name: last_goods
-- The last runs that really compared, no rehearsals: what is usual at a target.
SELECT * FROM runs
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND kind = :kind AND status = 'completed' AND NOT dry_run
  AND mode = :mode AND listing_complete IS NOT FALSE AND id < :before
ORDER BY id DESC LIMIT :limit

-- name: fail_unapproved
UPDATE runs SET status = 'failed', error_message = :error_message, completed_at = db_now(), pause_requested = false,
    cancel_requested = false
WHERE tenant_id = :tenant_id AND id = :id AND status = 'paused' AND pause_reason = 'safeguard'
  AND approval_id = :approval_id
RETURNING *

-- name: pages
SELECT coalesce(max(page) + 1, 0) FROM run_checkpoints WHERE tenant_id = :tenant_id AND run_id = :id
