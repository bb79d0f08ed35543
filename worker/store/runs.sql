-- name: insert
-- At most one run of a connector lives, and an occurrence of a schedule fires once: the indexes say so.
INSERT INTO runs (tenant_id, id, connector_id, kind, mode, dry_run, status, trigger, correlation_id, created_by,
    schedule_id, fire_at, statistics, created_at)
VALUES (:tenant_id, :id, :connector_id, :kind, :mode, :dry_run, 'pending', :trigger, :correlation_id, :created_by,
    :schedule_id, :fire_at, :statistics, db_now())
ON CONFLICT DO NOTHING
RETURNING *

-- name: get
SELECT * FROM runs WHERE tenant_id = :tenant_id AND id = :id

-- name: live
SELECT * FROM runs WHERE tenant_id = :tenant_id AND connector_id = :connector_id
  AND status IN ('pending', 'running', 'paused')

-- name: page
-- The newest first; every filter may be left open.
SELECT * FROM runs
WHERE tenant_id = :tenant_id AND (:connector_id::uuid IS NULL OR connector_id = :connector_id)
  AND (:kind::text IS NULL OR kind = :kind) AND (:mode::text IS NULL OR mode = :mode)
  AND (:statuses::text[] IS NULL OR status = ANY(:statuses)) AND (:before::uuid IS NULL OR id < :before)
ORDER BY id DESC LIMIT :limit OFFSET :offset

-- name: count
SELECT count(*) FROM runs
WHERE tenant_id = :tenant_id AND (:connector_id::uuid IS NULL OR connector_id = :connector_id)
  AND (:kind::text IS NULL OR kind = :kind) AND (:mode::text IS NULL OR mode = :mode)
  AND (:statuses::text[] IS NULL OR status = ANY(:statuses))

-- name: last_good
-- The last run that really compared: complete, not a rehearsal, not over single objects only.
SELECT * FROM runs
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND kind = :kind AND status = 'completed' AND NOT dry_run
  AND (:mode::text IS NULL OR mode = :mode) AND listing_complete IS NOT FALSE AND id < :before
  AND NOT statistics ? 'only'
ORDER BY id DESC LIMIT 1

-- name: claim
-- One handler at a time works on a run in a process, so one of our own that is claimed again was left by an error.
-- One that waits, one that was put down for a restart or for its target, or one whose process is dead. A process without a lease gets none.
UPDATE runs r SET status = 'running', owner = :owner, epoch = r.epoch + 1,
    started_at = coalesce(r.started_at, db_now()), pause_reason = NULL, error_message = NULL
WHERE r.tenant_id = :tenant_id AND r.id = :id
  AND EXISTS (SELECT 1 FROM workers w WHERE w.id = :owner AND w.expires_at > db_now())
  AND (r.status = 'pending' OR (r.status = 'paused' AND r.pause_reason IN ('shutdown', 'target'))
       OR (r.status = 'running' AND (r.owner IS NULL OR r.owner = :owner
           OR NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = r.owner AND w.expires_at > db_now()))))
RETURNING r.*

-- name: advance
-- The fence: a stale owner finds no row, then nothing of its transaction is written. With a page, its checkpoint.
-- Numbers of the tally are added to those there, facts replace theirs.
WITH fenced AS (
    UPDATE runs r SET
        phase = coalesce(:phase::text, r.phase),
        accounts_total = coalesce(:total::bigint, r.accounts_total),
        accounts_processed = r.accounts_processed + :processed::bigint,
        listing_complete = coalesce(:listing_complete::boolean, r.listing_complete),
        statistics = r.statistics || :facts::jsonb || (
            SELECT coalesce(jsonb_object_agg(t.key, t.value::bigint + coalesce((r.statistics ->> t.key)::bigint, 0)), '{}')
            FROM jsonb_each_text(:tally::jsonb) t)
    WHERE r.tenant_id = :tenant_id AND r.id = :id AND r.owner = :owner AND r.epoch = :epoch AND r.status = 'running'
    RETURNING r.pause_requested, r.cancel_requested
),
page AS (
    INSERT INTO run_checkpoints (tenant_id, run_id, page, next_token, is_last, seen, total, written_at)
    SELECT :tenant_id, :id, :page, :next_token, :is_last, :seen, :total, db_now() FROM fenced
    WHERE :page::integer IS NOT NULL
)
SELECT pause_requested, cancel_requested FROM fenced

-- name: tally_findings
UPDATE runs r SET discrepancies_found = r.discrepancies_found + :found::bigint,
    statistics = r.statistics || jsonb_build_object(
        'new', coalesce((r.statistics ->> 'new')::bigint, 0) + :new::bigint,
        'reopened', coalesce((r.statistics ->> 'reopened')::bigint, 0) + :reopened::bigint,
        'detected', (
            SELECT coalesce(jsonb_object_agg(k, n), '{}') FROM (
                SELECT k, sum(v::bigint) AS n FROM (
                    SELECT * FROM jsonb_each_text(r.statistics -> 'detected')
                    UNION ALL SELECT * FROM jsonb_each_text(:detected::jsonb)) both_sides(k, v)
                GROUP BY k) summed)),
    discrepancies_by_type = (
        SELECT coalesce(jsonb_object_agg(k, n), '{}') FROM (
            SELECT k, sum(v::bigint) AS n FROM (
                SELECT * FROM jsonb_each_text(r.discrepancies_by_type)
                UNION ALL SELECT * FROM jsonb_each_text(:by_type::jsonb)) both_sides(k, v)
            GROUP BY k) summed)
WHERE r.tenant_id = :tenant_id AND r.id = :id AND r.owner = :owner AND r.epoch = :epoch

-- name: tally_items
UPDATE runs SET items_total = items_total + :total::bigint, items_success = items_success + :success::bigint,
    items_error = items_error + :error::bigint
WHERE tenant_id = :tenant_id AND id = :id AND owner = :owner AND epoch = :epoch

-- name: finish
UPDATE runs SET status = :status, error_message = :error_message, owner = NULL, completed_at = db_now(),
    pause_requested = false, cancel_requested = false,
    listing_complete = coalesce(:listing_complete::boolean, listing_complete)
WHERE tenant_id = :tenant_id AND id = :id AND owner = :owner AND epoch = :epoch AND status = 'running'
RETURNING *

-- name: pause
UPDATE runs SET status = 'paused', pause_reason = :reason, owner = NULL, pause_requested = false,
    approval_id = coalesce(:approval_id::uuid, approval_id),
    listing_complete = coalesce(:listing_complete::boolean, listing_complete)
WHERE tenant_id = :tenant_id AND id = :id AND owner = :owner AND epoch = :epoch AND status = 'running'
RETURNING *

-- name: request_pause
-- A run that nobody works on stops at once, another at its next page.
UPDATE runs SET status = CASE WHEN status = 'pending' THEN 'paused' ELSE status END,
    pause_reason = CASE WHEN status = 'pending' THEN 'person' ELSE pause_reason END,
    pause_requested = status = 'running'
WHERE tenant_id = :tenant_id AND id = :id AND status IN ('pending', 'running')
RETURNING *

-- name: request_cancel
UPDATE runs SET status = CASE WHEN status = 'running' THEN status ELSE 'cancelled' END,
    completed_at = CASE WHEN status = 'running' THEN completed_at ELSE db_now() END,
    cancel_requested = status = 'running'
WHERE tenant_id = :tenant_id AND id = :id AND status IN ('pending', 'running', 'paused')
RETURNING *

-- name: resume
-- Whoever claims it next goes on where it stopped; what the safeguard paused waits for the decision.
UPDATE runs r SET status = 'running', owner = NULL, pause_reason = NULL, error_message = NULL
WHERE r.tenant_id = :tenant_id AND r.id = :id AND r.status = 'paused'
  AND NOT EXISTS (SELECT 1 FROM approvals a WHERE a.tenant_id = :tenant_id AND a.id = r.approval_id AND a.status = 'open')
RETURNING *

-- name: checkpoints
SELECT page, next_token, is_last, seen, total FROM run_checkpoints
WHERE tenant_id = :tenant_id AND run_id = :id
  AND (:first::integer IS NULL OR page >= :first AND page < :first::integer + :pages::integer)
ORDER BY page

-- name: drop_checkpoints
-- With the ranges of its listing.
WITH ranges AS (DELETE FROM run_ranges WHERE tenant_id = :tenant_id AND run_id = :id)
DELETE FROM run_checkpoints WHERE tenant_id = :tenant_id AND run_id = :id

-- name: now
SELECT db_now()
