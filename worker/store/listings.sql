-- All statements here are planned with their values (custom plans, see listings.py): filters left open vanish, and
-- those given choose their index. ``after`` turns the direction, for the page before.

-- name: closed
-- Targets that take nothing now, and why: what is pending for them is shown as waiting.
SELECT id AS connector_id, reason FROM (
    SELECT id, CASE WHEN status <> 'active' THEN 'maintenance'
        WHEN is_target AND baseline_at IS NULL AND settings -> 'require_baseline' IS DISTINCT FROM 'false' THEN 'baseline'
        WHEN breaker_state = 'open' THEN 'breaker' END AS reason
    FROM connectors WHERE tenant_id = :tenant_id) AS c
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
-- What ended did so on the day it was made or later, which leaves out whole partitions.
(:from_date::timestamptz IS NULL OR w.completed_day >= (:from_date AT TIME ZONE 'UTC')::date)

-- part: slice
(:before::uuid IS NULL OR w.id < :before) AND (:after::uuid IS NULL OR w.id > :after)
    ORDER BY CASE WHEN :after::uuid IS NOT NULL THEN w.id END, CASE WHEN :after::uuid IS NULL THEN w.id END DESC
    LIMIT :limit

-- part: shown
-- The shown status: what is pending for a closed target waits. Written so that a status that few have finds its index.
(:status::text IS NULL OR (w.status = :status AND (:status <> 'pending' OR w.connector_id <> ALL(:closed_ids::uuid[])))
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

-- part: early
-- The piece of an hour at the beginning of a time, or nothing; its rows are found by the ids that were made then.
w.created_at < :early_to::timestamptz AND w.id < :early_last::uuid

-- part: late
w.created_at >= :late_from::timestamptz AND w.id >= :late_first::uuid

-- part: whole_hours
(:from_hour::timestamptz IS NULL OR k.made_hour >= :from_hour) AND (:to_hour::timestamptz IS NULL OR k.made_hour < :to_hour)
      AND (:connector_id::uuid IS NULL OR k.connector_id = :connector_id)
      AND (:operation_type::text IS NULL OR k.operation_type = :operation_type)

-- name: living
-- How many live, as they were counted when they came and went.
SELECT coalesce(sum(k.n), 0)::bigint FROM live_counts k WHERE k.tenant_id = :tenant_id

-- name: many_living
-- All that lives by its target, as counted, without a status; and what of it has begun, by its status. One statement,
-- for both are of one moment.
SELECT k.connector_id, NULL AS status, NULL AS error_code, sum(k.n)::bigint AS n
FROM live_counts k WHERE k.tenant_id = :tenant_id AND {whole_hours} GROUP BY k.connector_id
UNION ALL
SELECT w.connector_id, NULL, NULL, count(*) FROM operations w WHERE {filters} AND {early} GROUP BY w.connector_id
UNION ALL
SELECT w.connector_id, NULL, NULL, count(*) FROM operations w WHERE {filters} AND {late} GROUP BY w.connector_id
UNION ALL
SELECT w.connector_id, w.status, w.error_code, count(*) FROM operations w WHERE {filters} AND w.status <> 'pending'
GROUP BY w.connector_id, w.status, w.error_code

-- name: oldest_hours
-- The hour in which the oldest that lives at each target was made, as counted.
SELECT h.connector_id, min(h.made_hour) AS oldest FROM (
    SELECT k.connector_id, k.made_hour FROM live_counts k WHERE k.tenant_id = :tenant_id
    GROUP BY k.connector_id, k.made_hour HAVING sum(k.n) > 0) AS h
GROUP BY h.connector_id

-- name: oldest_pending
-- Of those that no other of their account goes before: what waits behind a person's decision could not run. By the
-- order of making: the first rows are looked at one by one, whatever index knows all that is pending. Only asked when
-- there is one.
SELECT w.created_at FROM operations w
WHERE {filters} AND coalesce(w.status, '') = 'pending' AND coalesce(w.head, false) AND w.connector_id <> ALL(:closed_ids::uuid[])
ORDER BY w.id LIMIT 1

-- name: ended_counts
-- What ended, by status: as it was counted in whole hours of making, row by row at the edges and where nobody counted.
SELECT found.status, sum(found.n)::bigint AS n FROM (
    SELECT k.status, k.n FROM operation_counts k WHERE k.tenant_id = :tenant_id AND {whole_hours}
      AND (:from_date::timestamptz IS NULL OR k.completed_day >= (:from_date AT TIME ZONE 'UTC')::date)
    UNION ALL
    SELECT w.status, count(*) FROM operations_archive w
    WHERE {filters} AND {since} AND w.is_counted AND {early} GROUP BY w.status
    UNION ALL
    SELECT w.status, count(*) FROM operations_archive w
    WHERE {filters} AND {since} AND w.is_counted AND {late} GROUP BY w.status
    UNION ALL
    SELECT w.status, count(*) FROM operations_archive w WHERE {filters} AND {since} AND NOT w.is_counted
    GROUP BY w.status) AS found
GROUP BY found.status

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
