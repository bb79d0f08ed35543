-- name: insert
INSERT INTO run_ranges (tenant_id, run_id, number, after, upto)
SELECT :tenant_id, :run_id, n.number, n.after, n.upto
FROM unnest(:numbers::integer[], :after::text[], :upto::text[]) AS n(number, after, upto)

-- name: all
SELECT number, after, upto, owner, epoch, is_over FROM run_ranges
WHERE tenant_id = :tenant_id AND run_id = :run_id ORDER BY number

-- name: claim
-- One that nobody lists, or whose process is dead, or that our own has left. A process works on one of them at a time;
-- who leads the run does so already, and does not help besides.
WITH free AS (
    SELECT g.number FROM run_ranges g
    WHERE g.tenant_id = :tenant_id AND g.run_id = :run_id AND NOT g.is_over
      AND (g.owner IS NULL OR g.owner = :owner
           OR NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = g.owner AND w.expires_at > db_now()))
      AND EXISTS (SELECT 1 FROM workers w WHERE w.id = :owner AND w.expires_at > db_now())
      AND EXISTS (SELECT 1 FROM runs u WHERE u.tenant_id = :tenant_id AND u.id = :run_id AND u.status = 'running'
                  AND u.phase = 'listing' AND (NOT :is_helper::boolean OR u.owner IS DISTINCT FROM :owner))
    ORDER BY g.number LIMIT 1 FOR UPDATE OF g SKIP LOCKED
)
UPDATE run_ranges r SET owner = :owner, epoch = r.epoch + 1
FROM free
WHERE r.tenant_id = :tenant_id AND r.run_id = :run_id AND r.number = free.number
RETURNING r.number, r.after, r.upto, r.owner, r.epoch, r.is_over

-- name: advance
-- The fence: who has lost the range, or whose run is not under way any more, finds no row, and writes nothing. With a
-- page, its checkpoint. Numbers of the tally are added to those there, facts replace theirs.
WITH fenced AS (
    UPDATE run_ranges g SET
        processed = g.processed + :processed::bigint,
        is_over = g.is_over OR (:page::integer IS NOT NULL AND :next_token::text IS NULL),
        facts = g.facts || :facts::jsonb,
        tally = g.tally || (
            SELECT coalesce(jsonb_object_agg(t.key, t.value::bigint + coalesce((g.tally ->> t.key)::bigint, 0)), '{}')
            FROM jsonb_each_text(:tally::jsonb) t)
    WHERE g.tenant_id = :tenant_id AND g.run_id = :id AND g.number = :number AND g.owner = :owner AND g.epoch = :epoch
      AND EXISTS (SELECT 1 FROM runs u WHERE u.tenant_id = :tenant_id AND u.id = :id AND u.status = 'running')
    RETURNING g.number
),
page AS (
    INSERT INTO run_checkpoints (tenant_id, run_id, page, next_token, is_last, seen, total, written_at)
    SELECT :tenant_id, :id, :page, :next_token, :is_last, :seen, :total, db_now() FROM fenced
    WHERE :page::integer IS NOT NULL
)
SELECT u.pause_requested, u.cancel_requested FROM fenced, runs u WHERE u.tenant_id = :tenant_id AND u.id = :id

-- name: release
UPDATE run_ranges SET owner = NULL
WHERE tenant_id = :tenant_id AND run_id = :id AND number = :number AND owner = :owner AND epoch = :epoch

-- name: owed
-- What the run does not count yet; who asks counts it in the same transaction.
SELECT number, tally, facts FROM run_ranges
WHERE tenant_id = :tenant_id AND run_id = :run_id AND tally <> '{}' ORDER BY number FOR UPDATE

-- name: clear
UPDATE run_ranges SET tally = '{}' WHERE tenant_id = :tenant_id AND run_id = :run_id AND number = ANY(:numbers::integer[])
