-- name: accounts
-- The accounts of a claimed batch, each with its identity.
SELECT a.id, a.connector_id, a.object_class, a.uid, a.identity_id, a.state, a.wanted, a.wanted_active, a.observed,
    a.observed_active, a.hooked, a.match IS NOT NULL AS is_adopted,
    i.external_id, i.user_name, i.attributes, i.active, i.version, i.disabled_at IS NOT NULL AS is_disabled
FROM accounts a
LEFT JOIN identities i ON i.tenant_id = :tenant_id AND i.id = a.identity_id
WHERE a.tenant_id = :tenant_id AND a.id = ANY(:account_ids::uuid[])

-- name: owner_of_uid
-- Who owns the account with this uid in our records; no row when we have none.
SELECT id, identity_id, live FROM accounts
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND object_class = :object_class AND uid = :uid


-- name: unowned_keys
SELECT hash FROM match_keys WHERE tenant_id = :tenant_id AND connector_id = :connector_id LIMIT :limit

-- name: full_names
-- How common a name is decides what it is worth; twenty thousand people show that well enough.
SELECT attributes ->> 'given_name' AS given, attributes ->> 'family_name' AS family FROM identities
WHERE tenant_id = :tenant_id AND deleted_at IS NULL LIMIT 20000
