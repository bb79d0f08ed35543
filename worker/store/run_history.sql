-- name: last_goods
-- The last runs that really compared, no rehearsals: what is usual at a target.
SELECT * FROM runs
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND kind = :kind AND status = 'completed' AND NOT dry_run
  AND mode = :mode AND listing_complete IS NOT FALSE AND id < :before
  AND NOT statistics ? 'only'
ORDER BY id DESC LIMIT :limit

-- name: fail_unapproved
UPDATE runs SET status = 'failed', error_message = :error_message, completed_at = db_now(), pause_requested = false,
    cancel_requested = false
WHERE tenant_id = :tenant_id AND id = :id AND status = 'paused' AND pause_reason = 'safeguard'
  AND approval_id = :approval_id
RETURNING *

-- name: listed
-- The pages of a run that is under way, and those written in the last minute behind the first of them, since that one.
SELECT count(*) AS pages, greatest(count(c.*) FILTER (WHERE c.written_at > now.at - interval '1 minute') - 1, 0) AS recent,
    coalesce(extract(epoch FROM max(now.at) - min(c.written_at) FILTER (WHERE c.written_at > now.at - interval '1 minute')),
        0)::float8 AS seconds
FROM run_checkpoints c CROSS JOIN (SELECT db_now() AS at) AS now
WHERE c.tenant_id = :tenant_id AND c.run_id = :id

-- name: ranges
-- How many there are, how many are listed, and how many somebody works on.
SELECT count(*) AS total, count(*) FILTER (WHERE g.is_over) AS done,
    count(*) FILTER (WHERE NOT g.is_over AND EXISTS (
        SELECT 1 FROM workers w WHERE w.id = g.owner AND w.expires_at > db_now())) AS at_work
FROM run_ranges g WHERE g.tenant_id = :tenant_id AND g.run_id = :id
