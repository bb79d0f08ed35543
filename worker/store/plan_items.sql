-- name: ask
-- One row a person; a new ask of one that waits already raises its number, so that a planner at work on the old one
-- leaves it there.
INSERT INTO plan_items (tenant_id, identity_id, origin, run_id, correlation_id)
SELECT :tenant_id, n.id, :origin, :run_id, n.correlation_id
FROM unnest(:ids::uuid[], :correlation_ids::uuid[]) AS n(id, correlation_id) ORDER BY n.id
ON CONFLICT (tenant_id, identity_id) DO UPDATE SET ask = plan_items.ask + 1, origin = EXCLUDED.origin,
    run_id = EXCLUDED.run_id, correlation_id = EXCLUDED.correlation_id, asked_at = EXCLUDED.asked_at

-- name: ask_after
-- The next so many people in id order, for a change that concerns all of them.
WITH page AS (
    SELECT id FROM identities WHERE tenant_id = :tenant_id AND (:after::uuid IS NULL OR id > :after)
    ORDER BY id LIMIT :limit
),
asked AS (
    INSERT INTO plan_items (tenant_id, identity_id, origin, correlation_id)
    SELECT :tenant_id, id, :origin, :correlation_id FROM page
    ON CONFLICT (tenant_id, identity_id) DO UPDATE SET ask = plan_items.ask + 1
)
SELECT max(id::text)::uuid AS last, count(*) AS n FROM page

-- name: ask_these
-- Of a change that concerns these: whoever is asked for already stays asked for as they were.
INSERT INTO plan_items (tenant_id, identity_id, origin)
SELECT :tenant_id, n.id, :origin FROM unnest(:ids::uuid[]) AS n(id) ORDER BY n.id
ON CONFLICT (tenant_id, identity_id) DO UPDATE SET ask = plan_items.ask + 1

-- name: batch
-- What to plan next, with the people themselves (without who said what); one that is gone has no version. Each is found
-- by its key: LIMIT keeps it from being a join.
WITH item AS (
    SELECT identity_id, ask, origin, run_id, correlation_id FROM plan_items
    WHERE tenant_id = :tenant_id AND identity_id > :after
    ORDER BY identity_id LIMIT :limit
)
SELECT p.identity_id, p.ask, p.origin, p.run_id, p.correlation_id, i.id, i.external_id, i.user_name, i.attributes,
    i.active, i.version, '{}'::jsonb AS authority, i.revision, i.disabled_at, i.deleted_at
FROM item p LEFT JOIN LATERAL (
    SELECT * FROM identities WHERE tenant_id = :tenant_id AND id = p.identity_id LIMIT 1) i ON true
ORDER BY p.identity_id

-- name: take
-- How these items and their people are now, locked; one that another planner or a new change holds is left to them.
SELECT p.identity_id, p.ask, i.version FROM plan_items p
LEFT JOIN LATERAL (
    SELECT version FROM identities WHERE tenant_id = :tenant_id AND id = p.identity_id LIMIT 1) i ON true
WHERE p.tenant_id = :tenant_id AND p.identity_id = ANY(:ids::uuid[])
ORDER BY p.identity_id FOR UPDATE OF p SKIP LOCKED

-- name: remove
-- Where they could not be planned, it is noted that somebody was passed over: see planned_targets.
WITH passed_over AS (
    DELETE FROM planned_targets WHERE tenant_id = :tenant_id AND connector_id <> ALL(:planned_at::uuid[])
)
DELETE FROM plan_items WHERE tenant_id = :tenant_id AND identity_id = ANY(:ids::uuid[])

-- name: any_left
SELECT EXISTS (SELECT 1 FROM plan_items WHERE tenant_id = :tenant_id)
    OR EXISTS (SELECT 1 FROM planned_targets WHERE tenant_id = :tenant_id AND asked_to IS NOT NULL)
    OR EXISTS (SELECT 1 FROM precedence_in_force WHERE tenant_id = :tenant_id AND next_numbers IS NOT NULL)
    OR EXISTS (SELECT 1 FROM mapping_previews WHERE tenant_id = :tenant_id AND status IN ('pending', 'running'))
    OR EXISTS (SELECT 1 FROM recorrelations WHERE tenant_id = :tenant_id)
    OR EXISTS (SELECT 1 FROM correlation_backtests WHERE tenant_id = :tenant_id AND status IN ('pending', 'running'))

-- name: accounts_of
-- What these people have at these targets; they are few, the accounts of a target are many. What was observed matters
-- only where nothing was wanted yet.
SELECT id, connector_id, object_class, uid, identity_id, state, wanted, wanted_active,
    CASE WHEN wanted IS NULL THEN observed END AS observed, observed_active, live, secret_marks
FROM accounts
WHERE tenant_id = :tenant_id AND identity_id = ANY(:identity_ids::uuid[])
    AND (connector_id = ANY(:connector_ids::uuid[])) IS TRUE

-- name: insert_accounts
-- The row of an account that does not exist yet. One that somebody linked in the meantime stays as it is.
INSERT INTO accounts (tenant_id, id, connector_id, object_class, identity_id, state, wanted, wanted_active, wanted_hash,
    mapping_version, identity_version)
SELECT :tenant_id, n.id, n.connector_id, n.object_class, n.identity_id, 'pending', n.wanted, n.wanted_active,
    jsonb_hash_extended(n.wanted, 0), n.mapping_version, n.identity_version
FROM unnest(:ids::uuid[], :connector_ids::uuid[], :object_classes::text[], :identity_ids::uuid[], :wanted::jsonb[],
            :wanted_active::boolean[], :mapping_versions::integer[],
            :identity_versions::bigint[])
    AS n(id, connector_id, object_class, identity_id, wanted, wanted_active, mapping_version, identity_version)
ON CONFLICT (tenant_id, connector_id, object_class, identity_id) WHERE identity_id IS NOT NULL DO NOTHING
RETURNING id

-- name: write_wanted
UPDATE accounts a SET wanted = n.wanted, wanted_active = n.wanted_active, wanted_hash = jsonb_hash_extended(n.wanted, 0),
    mapping_version = n.mapping_version, identity_version = n.identity_version,
    removal_refused_at = CASE WHEN n.wanted_active THEN NULL ELSE a.removal_refused_at END
FROM unnest(:ids::uuid[], :wanted::jsonb[], :wanted_active::boolean[],
            :mapping_versions::integer[], :identity_versions::bigint[])
    AS n(id, wanted, wanted_active, mapping_version, identity_version)
WHERE a.tenant_id = :tenant_id AND a.id = n.id

-- name: complaints
SELECT id, user_id, connector_id, error_message FROM dead_letters
WHERE tenant_id = :tenant_id AND user_id = ANY(:identity_ids::uuid[]) AND error_code = 'mapping.failed'

-- name: complain
-- A wish that cannot be made into an operation, where people look for what needs them: among the dead letters.
INSERT INTO dead_letters (tenant_id, id, connector_id, account_id, user_id, seq, operation_type, object_class, status,
    max_retries, error_code, error_message, payload, origin, identity_version, mapping_version, run_id, correlation_id,
    created_at, updated_at, dead_at)
SELECT :tenant_id, n.id, n.connector_id, n.account_id, n.user_id, 0, n.operation_type, n.object_class, 'dead_letter',
    0, 'mapping.failed', n.message, '{"attributes": {}}', n.origin, n.identity_version, n.mapping_version, n.run_id,
    n.correlation_id, t.now, t.now, t.now
FROM unnest(:ids::uuid[], :connector_ids::uuid[], :account_ids::uuid[], :user_ids::uuid[], :operation_types::text[],
            :object_classes::text[], :messages::text[], :origins::text[], :identity_versions::bigint[],
            :mapping_versions::integer[], :run_ids::uuid[], :correlation_ids::uuid[])
    AS n(id, connector_id, account_id, user_id, operation_type, object_class, message, origin, identity_version,
         mapping_version, run_id, correlation_id),
    (SELECT db_now() AS now) t
