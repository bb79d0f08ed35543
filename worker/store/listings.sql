-- All statements here are planned with their values (custom plans, see listings.py): filters left open vanish, and
-- those given choose their index. ``after`` turns the direction, for the page before.

-- name: closed
-- Targets that take nothing now, why, and until when where that is known: what is pending for them is shown as waiting.
SELECT id AS connector_id, reason, CASE WHEN reason = 'target_down' THEN held_until END AS until FROM (
    SELECT id, s.held_until, CASE WHEN status <> 'active' THEN 'maintenance'
        WHEN is_target AND baseline_at IS NULL AND settings -> 'require_baseline' IS DISTINCT FROM 'false' THEN 'baseline'
        WHEN breaker_state = 'open' THEN 'breaker' WHEN s.held_until > db_now() THEN 'target_down' END AS reason
    FROM connectors c LEFT JOIN target_shares s ON s.tenant_id = :tenant_id AND s.connector_id = c.id
    WHERE c.tenant_id = :tenant_id) AS c
WHERE reason IS NOT NULL

-- part: columns
:tenant_id::uuid AS tenant_id, o.id, o.connector_id, c.name AS connector_name, o.account_id, o.user_id, i.user_name, o.seq,
    o.operation_type, o.object_class, o.target_uid, o.priority, o.retry_count, o.max_retries, o.attempt_number,
    o.error_code, o.error_message, o.payload, o.idempotency_key, o.origin, o.identity_version, o.mapping_version,
    o.run_id, o.correlation_id, o.discrepancy_id, o.case_id, o.approval_id, o.redrive_of, o.created_by, o.version,
    o.created_at, o.updated_at, o.started_at

-- part: names
LEFT JOIN connectors c ON c.tenant_id = :tenant_id AND c.id = o.connector_id
LEFT JOIN identities i ON i.tenant_id = :tenant_id AND i.id = o.user_id

-- part: filters
-- Every filter but the status.
w.tenant_id = :tenant_id AND (:connector_id::uuid IS NULL OR w.connector_id = :connector_id)
      AND (:user_id::uuid IS NULL OR w.user_id = :user_id)
      AND (:account_id::uuid IS NULL OR w.account_id = :account_id)
      AND (:operation_type::text IS NULL OR w.operation_type = :operation_type)
      AND (:error_code::text IS NULL OR w.error_code = :error_code)
      AND (:run_id::uuid IS NULL OR w.run_id = :run_id)
      AND (:from_date::timestamptz IS NULL OR w.created_at >= :from_date)
      AND (:to_date::timestamptz IS NULL OR w.created_at < :to_date)
      AND (:from_id::uuid IS NULL OR w.id >= :from_id) AND (:to_id::uuid IS NULL OR w.id < :to_id)
      AND (:only_ids::uuid[] IS NULL OR w.id = ANY(:only_ids))
      AND (:q::text IS NULL OR w.user_id = ANY(:named_ids::uuid[]) OR (w.target_uid ~>=~ :q AND w.target_uid ~<~ :q_end::text)
           OR (:is_short::boolean AND EXISTS (SELECT 1 FROM identities p WHERE p.tenant_id = :tenant_id
               AND p.id = w.user_id AND p.user_name_key ~>=~ lower(:q) AND p.user_name_key ~<~ lower(:q_end))))

-- part: since
-- What ended did so on the day it was made or later, which leaves out whole partitions; what has an error did not end
-- well, which finds its index.
(:from_date::timestamptz IS NULL OR w.completed_day >= (:from_date AT TIME ZONE 'UTC')::date)
      AND (:error_code::text IS NULL OR w.status <> 'completed')

-- part: slice
(:before::uuid IS NULL OR w.id < :before) AND (:after::uuid IS NULL OR w.id > :after)
    ORDER BY CASE WHEN :after::uuid IS NOT NULL THEN w.id END, CASE WHEN :after::uuid IS NULL THEN w.id END DESC
    LIMIT :limit

-- part: in_hand
-- What was claimed not long ago: all that runs, and some that has come back. Where not all is noted it is looked for
-- among all that lives.
(NOT :all_noted::boolean OR w.id = ANY(ARRAY(SELECT unnest(k.operation_ids) FROM claims k WHERE k.tenant_id = :tenant_id)))

-- part: shown
-- The shown status: what is pending for a closed target waits. Written so that a status that few have finds its rows.
(:status::text IS NULL
       OR (:status = 'pending' AND w.status = 'pending' AND w.connector_id <> ALL(:closed_ids::uuid[]))
       OR (:status = 'in_progress' AND w.status = 'in_progress' AND {in_hand})
       OR (:status NOT IN ('pending', 'in_progress') AND w.rests = :status)
       OR (:status = 'awaiting_system' AND :some_closed::boolean AND w.status = 'pending'
           AND w.connector_id = ANY(:closed_ids)))

-- name: live
SELECT {columns}, o.head, o.next_retry_at, CASE WHEN o.closed IS NULL THEN o.status ELSE 'awaiting_system' END AS status,
    coalesce(o.closed, o.wait_reason) AS wait_reason
FROM (
    SELECT w.*, s.reason AS closed FROM operations w
    LEFT JOIN LATERAL (
        SELECT r.reason FROM unnest(:closed_ids::uuid[], :reasons::text[]) AS r(connector_id, reason)
        WHERE r.connector_id = w.connector_id AND w.status = 'pending') s ON true
    WHERE {filters}
      AND {shown} AND {slice}) AS o
{names}

-- name: dead
SELECT {columns}, o.status, o.wait_reason, o.next_retry_at, o.dead_at
FROM (SELECT w.* FROM dead_letters w WHERE {filters} AND {slice}) AS o
{names}

-- name: archived
SELECT {columns}, o.status, o.completed_at, o.ending, o.resolution_notes, o.resolved_by, o.resolved_at
FROM (
    SELECT w.* FROM operations_archive w
    WHERE {filters} AND {since} AND (:status::text IS NULL OR w.status = :status) AND {slice}) AS o
{names}

-- name: live_ids
SELECT w.id FROM operations w WHERE {filters} AND {shown} AND {slice}

-- name: dead_ids
SELECT w.id FROM dead_letters w WHERE {filters} AND {slice}

-- name: archived_ids
SELECT w.id FROM operations_archive w
WHERE {filters} AND {since} AND (:status::text IS NULL OR w.status = :status) AND {slice}

-- name: live_counts
-- By shown status, target and error code, with every filter but the status.
SELECT CASE WHEN w.status = 'pending' AND w.connector_id = ANY(:closed_ids::uuid[])
    THEN 'awaiting_system' ELSE w.status END AS status, w.connector_id, w.error_code, count(*) AS n,
    min(w.created_at) AS oldest, min(w.created_at) FILTER (WHERE w.head) AS oldest_head
FROM operations w
WHERE {filters}
GROUP BY 1, 2, 3

-- part: pieces
-- The times at both ends that no count is of alone, with the ids that were made in each: those rows are looked at one by
-- one. All between the two is counted (``whole``).
edges AS (
    SELECT max(s.made_until) FILTER (WHERE s.made_at < :from_date AND s.made_until > :from_date) AS whole_from,
        min(s.made_at) FILTER (WHERE s.made_at < :to_date AND s.made_until > :to_date) AS whole_to
    FROM spans s WHERE :from_date::timestamptz IS NOT NULL OR :to_date::timestamptz IS NOT NULL
),
pieces AS (
    SELECT p.piece_from, p.piece_to, min(s.first_id::text COLLATE "C")::uuid AS first_id,
        max(s.last_id::text COLLATE "C")::uuid AS last_id
    FROM edges e
    CROSS JOIN LATERAL (
        SELECT :from_date AS piece_from, least(e.whole_from, :to_date) AS piece_to WHERE e.whole_from IS NOT NULL
        UNION ALL
        SELECT greatest(e.whole_to, e.whole_from, :from_date), :to_date WHERE e.whole_to IS NOT NULL) AS p
    JOIN spans s ON s.made_at < p.piece_to AND s.made_until > p.piece_from
    WHERE p.piece_from < p.piece_to AND (:from_date IS NOT NULL OR :to_date IS NOT NULL)
    GROUP BY p.piece_from, p.piece_to
)

-- part: whole
s.made_at >= coalesce(e.whole_from, :from_date, '-infinity') AND s.made_until <= coalesce(e.whole_to, :to_date, 'infinity')

-- part: counted
k.tenant_id = :tenant_id AND (:connector_id::uuid IS NULL OR k.connector_id = :connector_id)
      AND (:operation_type::text IS NULL OR k.operation_type = :operation_type)

-- part: in_piece
w.tenant_id = :tenant_id AND w.id >= p.first_id AND w.id <= p.last_id AND w.created_at >= p.piece_from
      AND w.created_at < p.piece_to AND (:connector_id::uuid IS NULL OR w.connector_id = :connector_id)
      AND (:operation_type::text IS NULL OR w.operation_type = :operation_type)

-- name: of_person
-- A person's live operations: those of their accounts, and of accounts that hold some of other people. What is in a lane
-- is its head, which the account knows, and what waits behind it.
WITH lanes AS MATERIALIZED (
    SELECT a.id, a.head_id FROM accounts a WHERE a.tenant_id = :tenant_id AND a.identity_id = :user_id::uuid AND a.live > 0
    UNION
    SELECT a.id, a.head_id FROM accounts a WHERE a.tenant_id = :tenant_id AND a.has_others AND a.live > 0
)
SELECT o.id FROM lanes l CROSS JOIN LATERAL (
    SELECT w.id FROM operations w WHERE w.tenant_id = :tenant_id AND w.id = l.head_id AND w.user_id = :user_id
    UNION ALL
    SELECT w.id FROM operations w
    WHERE w.tenant_id = :tenant_id AND w.account_id = l.id AND NOT w.head AND w.user_id = :user_id) AS o

-- name: living
-- How many live, as they were counted when they came and went.
SELECT coalesce(sum(k.n), 0)::bigint FROM live_counts k WHERE k.tenant_id = :tenant_id

-- name: many_living
-- All that lives by its target, as counted, without a status; and what of it has begun, by its status. One statement,
-- for both are of one moment.
WITH spans AS NOT MATERIALIZED (
    SELECT k.*, k.made_at + k.seconds * interval '1 second' AS made_until FROM live_counts k WHERE {counted}
),
{pieces}
SELECT s.connector_id, NULL AS status, NULL AS error_code, sum(s.n)::bigint AS n
FROM spans s, edges e WHERE {whole} GROUP BY s.connector_id
UNION ALL
SELECT c.connector_id, NULL, NULL, c.n FROM pieces p CROSS JOIN LATERAL (
    SELECT w.connector_id, count(*) AS n FROM operations w WHERE {in_piece} GROUP BY w.connector_id) AS c
UNION ALL
SELECT w.connector_id, w.rests, w.error_code, count(*) FROM operations w WHERE {filters} AND w.rests IS NOT NULL
GROUP BY w.connector_id, w.rests, w.error_code
UNION ALL
SELECT w.connector_id, w.status, w.error_code, count(*) FROM operations w
WHERE {filters} AND w.status = 'in_progress' AND {in_hand} GROUP BY w.connector_id, w.status, w.error_code

-- name: oldest_hours
-- The hour in which the oldest that lives at each target was made, as counted.
SELECT h.connector_id, min(h.made_at) AS oldest FROM (
    SELECT k.connector_id, date_trunc('hour', k.made_at, 'UTC') AS made_at FROM live_counts k WHERE k.tenant_id = :tenant_id
    GROUP BY 1, 2 HAVING sum(k.n) > 0) AS h
GROUP BY h.connector_id

-- name: oldest_pending
-- Of those that no other of their account goes before: what waits behind a person's decision could not run. By the
-- order of making: the first rows are looked at one by one, whatever index knows all that is pending. Only asked when
-- there is one.
SELECT w.created_at FROM operations w
WHERE {filters} AND coalesce(w.status, '') = 'pending' AND coalesce(w.head, false) AND w.connector_id <> ALL(:closed_ids::uuid[])
ORDER BY w.id LIMIT 1

-- name: ended_counts
-- What ended, by status: as it was counted, row by row at the edges and where nobody counted.
WITH spans AS NOT MATERIALIZED (
    SELECT k.*, k.id AS first_id, k.made_at + k.seconds * interval '1 second' AS made_until FROM operation_counts k
    WHERE {counted} AND (:from_date::timestamptz IS NULL OR k.completed_day >= (:from_date AT TIME ZONE 'UTC')::date)
),
{pieces}
SELECT found.status, sum(found.n)::bigint AS n FROM (
    SELECT s.status, s.n FROM spans s, edges e WHERE {whole}
    UNION ALL
    SELECT c.status, c.n FROM pieces p CROSS JOIN LATERAL (
        SELECT w.status, count(*) AS n FROM operations_archive w WHERE {in_piece} AND {since} AND w.is_counted
        GROUP BY w.status) AS c
    UNION ALL
    SELECT w.status, count(*) FROM operations_archive w WHERE {filters} AND {since} AND NOT w.is_counted
    GROUP BY w.status) AS found
GROUP BY found.status

-- name: made_between
-- The ids of what lives and of what ended that was made in a time: the lowest and the highest, as counted; and whether
-- anything ended that nobody counted.
SELECT (SELECT min(k.first_id::text COLLATE "C") FROM live_counts k WHERE k.tenant_id = :tenant_id
        AND k.made_at + k.seconds * interval '1 second' > :from_date::timestamptz)::uuid AS first_living,
    (SELECT max(k.last_id::text COLLATE "C") FROM live_counts k WHERE k.tenant_id = :tenant_id
        AND k.made_at < :to_date::timestamptz)::uuid AS last_living,
    (SELECT min(k.id::text COLLATE "C") FROM operation_counts k WHERE k.tenant_id = :tenant_id
        AND k.completed_day >= (:from_date AT TIME ZONE 'UTC')::date
        AND k.made_at + k.seconds * interval '1 second' > :from_date)::uuid AS first_ended,
    (SELECT max(k.last_id::text COLLATE "C") FROM operation_counts k WHERE k.tenant_id = :tenant_id
        AND k.made_at < :to_date)::uuid AS last_ended,
    EXISTS (SELECT 1 FROM operations_archive w WHERE w.tenant_id = :tenant_id AND NOT w.is_counted) AS is_counted_in_part

-- name: dead_counts
SELECT 'dead_letter' AS status, w.error_code, count(*) AS n, min(w.dead_at) AS oldest, max(w.dead_at) AS latest
FROM dead_letters w
WHERE {filters}
GROUP BY 1, 2

-- name: archived_counts
-- Row by row, for the filters that nobody counts by.
SELECT w.status, count(*) AS n FROM operations_archive w
WHERE {filters} AND {since}
GROUP BY w.status

-- name: named
-- People whose user name begins with a text, whatever its case.
SELECT id FROM identities
WHERE tenant_id = :tenant_id AND user_name_key ~>=~ lower(:q::text) AND user_name_key ~<~ lower(:q_end::text)
LIMIT :limit

-- name: recent_times
-- How long the latest completed ones took from their making to their end, in seconds.
SELECT avg(extract(epoch FROM completed_at - created_at))::float8 AS seconds FROM (
    SELECT completed_at, created_at FROM operations_archive
    WHERE tenant_id = :tenant_id AND (:connector_id::uuid IS NULL OR connector_id = :connector_id)
      AND completed_day >= (db_now() AT TIME ZONE 'UTC')::date - 7 AND status = 'completed'
    ORDER BY id DESC LIMIT 1000) AS latest

-- name: attempts
-- An operation's tries in order. Its id tells the day it was made on: no earlier partition is read.
SELECT t.attempt_number, t.started_at, t.completed_at, t.success, t.outcome, t.error_code, t.error_message,
    t.duration_ms, t.worker, t.sent
FROM attempts t
WHERE t.tenant_id = :tenant_id AND t.operation_id = :operation_id AND t.day >= :from_day::date
ORDER BY t.epoch

-- name: logs
SELECT l.id, l.operation_id, l.at, l.level, l.message FROM operation_logs l
WHERE l.tenant_id = :tenant_id AND l.operation_id = :operation_id AND l.day >= :from_day::date
ORDER BY l.id LIMIT :limit
