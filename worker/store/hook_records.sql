-- name: add
INSERT INTO hook_records (tenant_id, hook_id, id, version, function, context, answer, recorded_at)
SELECT :tenant_id, w.hook_id, w.id, w.version, w.function, w.context, w.answer, w.recorded_at
FROM ROWS FROM (unnest(:hook_ids::uuid[]), unnest(:ids::uuid[]), unnest(:versions::integer[]),
        unnest(:functions::text[]), unnest(:contexts::jsonb[]), unnest(:answers::jsonb[]),
        unnest(:recorded_at::timestamptz[]))
    AS w(hook_id, id, version, function, context, answer, recorded_at)
ON CONFLICT (tenant_id, hook_id, id) DO NOTHING

-- name: shorten
-- Of each of these hooks only the newest calls stay. Ids tell the order.
DELETE FROM hook_records r
USING unnest(:hook_ids::uuid[]) AS w(hook_id), LATERAL (
    SELECT id FROM hook_records
    WHERE tenant_id = :tenant_id AND hook_id = w.hook_id ORDER BY id DESC OFFSET :keep LIMIT 1
) oldest
WHERE r.tenant_id = :tenant_id AND r.hook_id = w.hook_id AND r.id <= oldest.id

-- name: recent
SELECT id, version, function, context, answer, recorded_at FROM hook_records
WHERE tenant_id = :tenant_id AND hook_id = :hook_id ORDER BY id DESC LIMIT :limit

-- name: prune
DELETE FROM hook_records r USING (
    SELECT hook_id, id FROM hook_records
    WHERE tenant_id = :tenant_id AND recorded_at < :before LIMIT :limit
) o
WHERE r.tenant_id = :tenant_id AND r.hook_id = o.hook_id AND r.id = o.id
