-- name: accounts
-- The accounts of a claimed batch, each with its identity: both by their keys, however few rows a stale plan believes in.
WITH a AS MATERIALIZED (
    SELECT id, connector_id, object_class, uid, identity_id, state, wanted, wanted_active, observed, observed_active,
        hooked, live, secret_marks, match IS NOT NULL AS is_adopted
    FROM accounts WHERE tenant_id = :tenant_id AND id = ANY(:account_ids::uuid[])
),
i AS MATERIALIZED (
    SELECT id, external_id, user_name, attributes, active, version, disabled_at IS NOT NULL AS is_disabled
    FROM identities WHERE tenant_id = :tenant_id AND id = ANY(ARRAY(SELECT identity_id FROM a))
)
SELECT a.*, i.external_id, i.user_name, i.attributes, i.active, i.version, i.is_disabled
FROM a LEFT JOIN i ON i.id = a.identity_id

-- name: owner_of_uid
-- Who owns the account with this uid in our records; no row when we have none.
SELECT id, identity_id, live FROM accounts
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND object_class = :object_class AND uid = :uid

-- name: take
-- Keep an account for the try that found that it is theirs: no other may make it its own while this one lasts.
UPDATE accounts SET taken_by = :account_id, taken_at = db_now()
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND object_class = :object_class AND uid = :uid
  AND (identity_id IS NULL OR identity_id = :identity_id)
  AND (taken_by IS NULL OR taken_by = :account_id OR taken_at < db_now() - make_interval(secs => :for_s))
RETURNING id

-- name: mark_secrets
-- What an account was given last of its secrets.
UPDATE accounts SET secret_marks = coalesce(secret_marks, '{}') || :marks::jsonb
WHERE tenant_id = :tenant_id AND id = :account_id

-- name: unowned_keys
SELECT array_agg(hash) AS hashes FROM (
    SELECT hash FROM match_keys WHERE tenant_id = :tenant_id AND connector_id = :connector_id LIMIT :limit
) k

-- name: full_names
SELECT attributes ->> 'given_name' AS given, attributes ->> 'family_name' AS family FROM identities
WHERE tenant_id = :tenant_id AND deleted_at IS NULL LIMIT :limit

-- name: people
SELECT count(*) FROM identities WHERE tenant_id = :tenant_id AND deleted_at IS NULL
