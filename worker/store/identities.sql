-- name: get
SELECT id, external_id, user_name, attributes, active, version, authority, revision, disabled_at, deleted_at
FROM identities WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[])

-- name: lock
-- Always in the order of external_id, so that two intakes of the same people cannot deadlock.
SELECT id, external_id, user_name, attributes, active, version, authority, revision, disabled_at, deleted_at
FROM identities WHERE tenant_id = :tenant_id AND external_id = ANY(:external_ids::text[])
ORDER BY external_id FOR UPDATE

-- name: insert
-- Who said what is the same for most people of a source, and is sent once: each has its place (from 1) in the list.
INSERT INTO identities (tenant_id, id, external_id, user_name, attributes, active, authority, revision, deleted_at)
SELECT :tenant_id, n.id, n.external_id, n.user_name, n.attributes, n.active, (:authorities::jsonb[])[n.authority],
    n.revision, CASE WHEN n.deleted THEN db_now() END
FROM unnest(:ids::uuid[], :external_ids::text[], :user_names::text[], :attributes::jsonb[], :actives::boolean[],
            :authority_places::integer[], :revisions::bigint[], :deleted::boolean[])
    AS n(id, external_id, user_name, attributes, active, authority, revision, deleted)
ORDER BY n.external_id
ON CONFLICT (tenant_id, external_id) DO NOTHING
RETURNING id

-- name: update
UPDATE identities i SET user_name = n.user_name, attributes = n.attributes, active = n.active, version = n.version,
    authority = n.authority, revision = n.revision,
    deleted_at = CASE WHEN n.deleted THEN coalesce(i.deleted_at, t.now) END, updated_at = t.now
FROM unnest(:ids::uuid[], :user_names::text[], :attributes::jsonb[], :actives::boolean[], :versions::bigint[],
            :authorities::jsonb[], :revisions::bigint[], :deleted::boolean[])
    AS n(id, user_name, attributes, active, version, authority, revision, deleted),
    (SELECT db_now() AS now) t
WHERE i.tenant_id = :tenant_id AND i.id = ANY(:ids::uuid[]) AND i.id = n.id

-- name: deactivate
-- People whose source no longer has them; those inactive already are left alone.
UPDATE identities SET active = false, version = version + 1, updated_at = db_now()
WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[]) AND active
RETURNING id

-- name: find
-- By id, external id or user name, whatever is given.
SELECT id FROM identities
WHERE tenant_id = :tenant_id AND deleted_at IS NULL
  AND (external_id = :who::text OR lower(user_name) = lower(:who::text) OR id = :id::uuid)
ORDER BY (external_id = :who::text) DESC LIMIT 20
