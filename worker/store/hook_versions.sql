-- name: at_first_tries
-- Of operations that are tried again, and of all while a hook was switched a short while ago: the versions of hooks that
-- were active when their first try began, where those are others than :versions. A dead letter that was put back begins
-- anew.
WITH asked AS MATERIALIZED (
    SELECT h.hook_id, h.version FROM unnest(:hook_ids::uuid[], :versions::integer[]) AS h(hook_id, version)
),
tried AS MATERIALIZED (
    SELECT o.id, o.started_at, (o.created_at AT TIME ZONE 'UTC')::date AS since,
        (SELECT max(t.completed_at) FROM attempts t
         WHERE t.tenant_id = :tenant_id AND t.day >= (o.created_at AT TIME ZONE 'UTC')::date
           AND t.operation_id = o.id AND t.outcome = 'dead_letter' AND o.attempt_number > 1) AS died_at
    FROM operations o
    WHERE o.tenant_id = :tenant_id AND o.id = ANY(:operation_ids::uuid[]) AND (o.attempt_number > 1 OR EXISTS (
        SELECT 1 FROM hook_activations a
        WHERE a.tenant_id = :tenant_id AND a.hook_id = ANY(:hook_ids::uuid[])
          AND a.activated_at > db_now() - interval '1 minute'))
),
began AS MATERIALIZED (
    SELECT r.id, CASE WHEN r.died_at IS NULL THEN r.started_at ELSE coalesce(
        (SELECT min(t.started_at) FROM attempts t
         WHERE t.tenant_id = :tenant_id AND t.day >= r.since AND t.operation_id = r.id AND t.started_at > r.died_at),
        db_now()) END AS began_at
    FROM tried r
)
SELECT b.id AS operation_id, k.hook_id, v.version
FROM began b, asked k, LATERAL (
    SELECT a.version FROM hook_activations a
    WHERE a.tenant_id = :tenant_id AND a.hook_id = k.hook_id AND a.activated_at <= b.began_at
    ORDER BY a.activated_at DESC LIMIT 1) v
WHERE v.version <> k.version

-- name: scripts
-- Versions with the libraries that they pin.
SELECT v.hook_id, v.version, v.source, v.api, h.name, pinned.libraries
FROM unnest(:hook_ids::uuid[], :versions::integer[]) AS w(hook_id, version)
JOIN hook_versions v ON v.tenant_id = :tenant_id AND v.hook_id = w.hook_id AND v.version = w.version
JOIN hooks h ON h.tenant_id = :tenant_id AND h.id = w.hook_id
LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object('name', l.item ->> 'name', 'source', s.source) ORDER BY l.place) AS libraries
    FROM jsonb_array_elements(v.libraries) WITH ORDINALITY l (item, place)
    JOIN hook_versions s ON s.tenant_id = :tenant_id AND s.hook_id = (l.item ->> 'hook_id')::uuid
        AND s.version = (l.item ->> 'version')::integer
    WHERE v.libraries <> '[]'
) pinned ON true
