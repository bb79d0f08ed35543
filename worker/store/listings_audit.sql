-- name: page
-- The newest first; ``after`` turns the direction.
SELECT a.n, a.at, a.actor_id, a.action, a.object_type, a.object_id, a.details, p.name AS actor, p.kind AS actor_kind
FROM (
    SELECT a.* FROM audit a
    WHERE a.tenant_id = :tenant_id
      AND (:actor_ids::uuid[] IS NULL OR a.actor_id = ANY(:actor_ids))
      AND (:action::text IS NULL OR (a.action ~>=~ :action AND a.action ~<~ :action_end::text))
      AND (:object_type::text IS NULL OR a.object_type = :object_type)
      AND (:object_id::text IS NULL OR a.object_id = :object_id)
      AND (:before::bigint IS NULL OR a.n < :before) AND (:after::bigint IS NULL OR a.n > :after)
    ORDER BY CASE WHEN :after::bigint IS NOT NULL THEN a.n END, CASE WHEN :after::bigint IS NULL THEN a.n END DESC
    LIMIT :limit) AS a
LEFT JOIN principals p ON p.tenant_id = :tenant_id AND p.id = a.actor_id
ORDER BY a.n DESC

-- name: actors
SELECT id FROM principals WHERE tenant_id = :tenant_id AND name = :name

-- name: names
SELECT id, name FROM principals WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[])
