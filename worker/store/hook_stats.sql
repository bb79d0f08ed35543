-- name: add
-- Counts of one process on top of what is there; the newest failure stays.
INSERT INTO hook_stats AS h (tenant_id, hook_id, minute, version, class, calls, total_us, histogram, last_error, last_at)
SELECT :tenant_id, w.hook_id, w.minute, w.version, w.class, w.calls, w.total_us,
    ARRAY(SELECT jsonb_array_elements_text(w.histogram)::bigint), w.last_error, w.last_at
FROM ROWS FROM (unnest(:hook_ids::uuid[]), unnest(:minutes::timestamptz[]), unnest(:versions::integer[]),
        unnest(:classes::text[]), unnest(:calls::bigint[]), unnest(:totals_us::bigint[]), unnest(:histograms::jsonb[]),
        unnest(:last_errors::jsonb[]), unnest(:last_at::timestamptz[]))
    AS w(hook_id, minute, version, class, calls, total_us, histogram, last_error, last_at)
ORDER BY w.hook_id, w.minute, w.version, w.class
ON CONFLICT (tenant_id, hook_id, minute, version, class) DO UPDATE SET
    calls = h.calls + excluded.calls, total_us = h.total_us + excluded.total_us,
    histogram = ARRAY[h.histogram[1] + excluded.histogram[1], h.histogram[2] + excluded.histogram[2],
        h.histogram[3] + excluded.histogram[3], h.histogram[4] + excluded.histogram[4],
        h.histogram[5] + excluded.histogram[5], h.histogram[6] + excluded.histogram[6],
        h.histogram[7] + excluded.histogram[7], h.histogram[8] + excluded.histogram[8],
        h.histogram[9] + excluded.histogram[9], h.histogram[10] + excluded.histogram[10],
        h.histogram[11] + excluded.histogram[11], h.histogram[12] + excluded.histogram[12],
        h.histogram[13] + excluded.histogram[13], h.histogram[14] + excluded.histogram[14],
        h.histogram[15] + excluded.histogram[15], h.histogram[16] + excluded.histogram[16]],
    last_error = CASE WHEN excluded.last_at >= h.last_at THEN excluded.last_error ELSE h.last_error END,
    last_at = greatest(excluded.last_at, h.last_at)

-- name: summary
-- Per version and class what was counted since a moment.
SELECT s.hook_id, s.version, s.class, sum(s.calls)::bigint AS calls, sum(s.total_us)::bigint AS total_us,
    ARRAY[sum(s.histogram[1])::bigint, sum(s.histogram[2])::bigint, sum(s.histogram[3])::bigint,
        sum(s.histogram[4])::bigint, sum(s.histogram[5])::bigint, sum(s.histogram[6])::bigint,
        sum(s.histogram[7])::bigint, sum(s.histogram[8])::bigint, sum(s.histogram[9])::bigint,
        sum(s.histogram[10])::bigint, sum(s.histogram[11])::bigint, sum(s.histogram[12])::bigint,
        sum(s.histogram[13])::bigint, sum(s.histogram[14])::bigint, sum(s.histogram[15])::bigint,
        sum(s.histogram[16])::bigint] AS histogram, max(s.last_at) AS last_at,
    (array_agg(s.last_error ORDER BY s.last_at DESC))[1] AS last_error
FROM hook_stats s
WHERE s.tenant_id = :tenant_id AND s.hook_id = ANY(:hook_ids::uuid[]) AND s.minute >= :since
GROUP BY s.hook_id, s.version, s.class

-- name: prune
DELETE FROM hook_stats h USING (
    SELECT hook_id, minute, version, class FROM hook_stats
    WHERE tenant_id = :tenant_id AND minute < :before ORDER BY minute LIMIT :limit
) o
WHERE h.tenant_id = :tenant_id AND h.hook_id = o.hook_id AND h.minute = o.minute AND h.version = o.version
  AND h.class = o.class
