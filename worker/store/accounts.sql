-- name: be_patient
-- Millions of accounts take longer to read than any other statement may.
SET LOCAL statement_timeout = '600s'

-- name: index
-- Every account that a target is known to have, packed in 17 bytes: 8 of the MD5 of its uid, 8 the content hash at which
-- it was last found as wanted, and whether that still stands because nothing that was compared has changed since. Those
-- need no second look while the target still shows the same. The inner hash is our side of the comparison, the outer one
-- both. Copied, not fetched: so the server may let several processes read it.
SELECT k.uid || int8send(coalesce(k.agreed, 0)) || CASE WHEN k.agreed IS NULL THEN '\x00'::bytea ELSE '\x01' END AS packed
FROM (
    SELECT decode(substr(md5(a.uid), 1, 16), 'hex') AS uid,
        CASE WHEN a.agreed_hash = hash_record_extended(ROW(hash_record_extended(ROW(a.identity_id, a.wanted_hash,
            a.wanted_active, a.hooked, a.mapping_version, a.identity_version), 0), a.observed_hash), 0)
        THEN a.observed_hash END AS agreed
    FROM accounts a
    WHERE a.tenant_id = :tenant_id AND a.connector_id = :connector_id AND a.object_class = :object_class
      AND a.uid IS NOT NULL AND a.state <> 'dead') k

-- name: agreed
-- Which of these still stand as they were last found as wanted, and the content hash of then; as in the index.
SELECT a.uid, a.observed_hash FROM accounts a
WHERE a.tenant_id = :tenant_id AND a.connector_id = :connector_id AND a.object_class = :object_class
  AND a.uid = ANY(:uids::text[]) AND a.state <> 'dead'
  AND a.agreed_hash = hash_record_extended(ROW(hash_record_extended(ROW(a.identity_id, a.wanted_hash, a.wanted_active,
      a.hooked, a.mapping_version, a.identity_version), 0), a.observed_hash), 0)

-- name: by_uids
-- ``ours`` is our side of the comparison as it was read: what is decided from these rows is written only on top of it.
SELECT a.id, a.connector_id, a.object_class, a.uid, a.identity_id, a.state, a.wanted, a.wanted_active, a.observed,
    a.observed_active, a.observed_hash, a.hooked, a.live, a.last_change_at, o.ours,
    a.agreed_hash IS NOT NULL AND a.agreed_hash = hash_record_extended(ROW(o.ours, a.observed_hash), 0) AS is_agreed
FROM accounts a, LATERAL (SELECT hash_record_extended(ROW(a.identity_id, a.wanted_hash, a.wanted_active, a.hooked,
    a.mapping_version, a.identity_version), 0) AS ours) o
WHERE a.tenant_id = :tenant_id AND a.connector_id = :connector_id AND a.object_class = :object_class
  AND a.uid = ANY(:uids::text[])

-- name: by_ids
SELECT a.id, a.connector_id, a.object_class, a.uid, a.identity_id, a.state, a.wanted, a.wanted_active, a.observed,
    a.observed_active, a.observed_hash, a.hooked, a.live, a.last_change_at, NULL::bigint AS ours, false AS is_agreed
FROM accounts a
WHERE a.tenant_id = :tenant_id AND a.id = ANY(:ids::uuid[])

-- name: of_identities
SELECT a.id, a.connector_id, a.object_class, a.uid, a.identity_id, a.state, a.wanted, a.wanted_active, a.observed,
    a.observed_active, a.observed_hash, a.hooked, a.live, a.last_change_at, NULL::bigint AS ours, false AS is_agreed
FROM accounts a
WHERE a.tenant_id = :tenant_id AND a.identity_id = ANY(:identity_ids::uuid[]) AND a.connector_id = :connector_id
  AND a.object_class = :object_class

-- name: insert_seen
-- Objects that no row knows yet. One that somebody else wrote in the meantime stays as it is.
INSERT INTO accounts (tenant_id, id, connector_id, object_class, uid, state, observed, observed_active, observed_hash,
    first_seen_run, changed_run)
SELECT :tenant_id, n.id, :connector_id, :object_class, n.uid, 'active', n.observed, n.observed_active,
    n.observed_hash, :run_id, :run_id
FROM unnest(:ids::uuid[], :uids::text[], :observed::jsonb[], :observed_active::boolean[], :observed_hashes::bigint[])
    AS n(id, uid, observed, observed_active, observed_hash)
ORDER BY n.uid
ON CONFLICT (tenant_id, connector_id, object_class, uid) WHERE uid IS NOT NULL DO NOTHING
RETURNING id, uid

-- name: ensure_of_identity
INSERT INTO accounts (tenant_id, id, connector_id, object_class, identity_id, state)
SELECT :tenant_id, :id, :connector_id, :object_class, i.id, 'pending' FROM identities i
WHERE i.tenant_id = :tenant_id AND i.id = :identity_id AND i.deleted_at IS NULL
ON CONFLICT (tenant_id, connector_id, object_class, identity_id) WHERE identity_id IS NOT NULL DO NOTHING

-- name: write_observed
-- What a target shows now. A row that an operation has changed since it was read is left to the next look; it agrees
-- only if our side is still the one that was compared. Locked in id order, as whoever changes several accounts does.
WITH n AS (
    SELECT * FROM unnest(:ids::uuid[], :observed::jsonb[], :observed_active::boolean[], :observed_hashes::bigint[],
            :agrees::boolean[], :ours::bigint[])
        AS n(id, observed, observed_active, observed_hash, agrees, ours)
),
locked AS (
    SELECT a.id FROM accounts a WHERE a.tenant_id = :tenant_id AND a.id = ANY(:ids::uuid[])
    ORDER BY a.id FOR NO KEY UPDATE OF a
)
UPDATE accounts a SET observed = n.observed, observed_active = n.observed_active, observed_hash = n.observed_hash,
    agreed_hash = CASE WHEN n.agrees AND n.ours = hash_record_extended(ROW(a.identity_id, a.wanted_hash,
        a.wanted_active, a.hooked, a.mapping_version, a.identity_version), 0)
        THEN hash_record_extended(ROW(n.ours, n.observed_hash), 0) END,
    state = 'active', gone_at = NULL,
    changed_run = CASE WHEN a.observed_hash IS DISTINCT FROM n.observed_hash THEN :run_id ELSE a.changed_run END
FROM n JOIN locked USING (id)
WHERE a.tenant_id = :tenant_id AND a.id = n.id
  AND (a.last_change_at IS NULL OR a.last_change_at < :read_at)

-- name: want_as_seen
-- What a person took from an account is wanted there as it is.
WITH locked AS (
    SELECT a.id FROM accounts a WHERE a.tenant_id = :tenant_id AND a.id = ANY(:ids::uuid[]) AND a.wanted IS NOT NULL
    ORDER BY a.id FOR NO KEY UPDATE OF a
),
n AS (
    SELECT n.id, jsonb_strip_nulls(a.wanted || n.taken) AS wanted
    FROM unnest(:ids::uuid[], :taken::jsonb[]) AS n(id, taken)
    JOIN accounts a ON a.tenant_id = :tenant_id AND a.id = n.id JOIN locked l ON l.id = a.id
)
UPDATE accounts a SET wanted = n.wanted, wanted_hash = jsonb_hash_extended(n.wanted, 0)
FROM n WHERE a.tenant_id = :tenant_id AND a.id = n.id AND a.wanted <> n.wanted

-- name: uids
-- What a target is known to have, by uid, in pieces.
SELECT a.id, a.uid, a.identity_id, a.live, i.user_name
FROM accounts a LEFT JOIN identities i ON i.tenant_id = :tenant_id AND i.id = a.identity_id
WHERE a.tenant_id = :tenant_id AND a.connector_id = :connector_id AND a.object_class = :object_class
  AND a.uid > :after AND a.state <> 'dead'
ORDER BY a.uid LIMIT :limit

-- name: gone_before
-- Linked accounts whose object an earlier run found gone, and that nobody has dealt with.
SELECT a.id, a.uid, a.identity_id, a.wanted, a.wanted_active, a.live, i.user_name,
    i.active AND i.disabled_at IS NULL AND i.deleted_at IS NULL AS is_enabled
FROM accounts a LEFT JOIN identities i ON i.tenant_id = :tenant_id AND i.id = a.identity_id
WHERE a.tenant_id = :tenant_id AND a.connector_id = :connector_id AND a.object_class = :object_class
  AND a.uid IS NOT NULL AND a.state = 'dead' AND a.identity_id IS NOT NULL AND a.id > :after
  AND (:ids::uuid[] IS NULL OR a.id = ANY(:ids))
ORDER BY a.id LIMIT :limit

-- name: mark_gone
-- The object is no longer at the target. The uid stays, so that one that returns is known again.
UPDATE accounts SET state = 'dead', gone_at = db_now(), changed_run = :run_id, observed_hash = NULL, agreed_hash = NULL
WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[]) AND state <> 'dead' AND live = 0
RETURNING id

-- name: unlinked
-- Accounts of nobody, in id order.
SELECT a.id, a.uid, a.observed, a.observed_active, a.observed_hash FROM accounts a
WHERE a.tenant_id = :tenant_id AND a.connector_id = :connector_id AND a.object_class = :object_class
  AND a.identity_id IS NULL AND a.uid IS NOT NULL AND a.state <> 'dead' AND a.live = 0 AND a.id > :after
ORDER BY a.id LIMIT :limit

-- name: still_unlinked
-- Those of these that are still nobody's.
SELECT a.id, a.uid, a.observed_hash FROM accounts a
WHERE a.tenant_id = :tenant_id AND a.id = ANY(:ids::uuid[]) AND a.identity_id IS NULL AND a.uid IS NOT NULL
  AND a.state <> 'dead' AND a.live = 0

-- name: without_account
-- People who may have accounts and have none here, by id; scope is not looked at. Only their ids, and all at once: a page
-- of them would join everybody for each. Copied, not fetched: so the server may let several processes read.
SELECT i.id FROM identities i
WHERE i.tenant_id = :tenant_id AND i.active AND i.disabled_at IS NULL AND i.deleted_at IS NULL
  AND NOT EXISTS (
    SELECT 1 FROM accounts a WHERE a.tenant_id = :tenant_id AND a.connector_id = :connector_id
      AND a.object_class = :object_class AND a.identity_id = i.id AND a.uid IS NOT NULL)
ORDER BY i.id

-- name: without_account_of
-- Those of a few people, with what waits for an account of theirs and whether something under way would make one. One
-- whose account an earlier run found gone is not among them: that is another finding.
SELECT i.id, i.external_id, i.user_name, i.attributes, i.active, i.version, i.authority, i.revision, i.disabled_at,
    i.deleted_at, a.id AS account_id, a.live, a.wanted,
    EXISTS (SELECT 1 FROM plan_items p WHERE p.tenant_id = :tenant_id AND p.identity_id = i.id) AS is_planned_soon
FROM identities i
LEFT JOIN accounts a ON a.tenant_id = :tenant_id AND a.identity_id = i.id AND a.connector_id = :connector_id
    AND a.object_class = :object_class
WHERE i.tenant_id = :tenant_id AND i.active AND i.disabled_at IS NULL AND i.deleted_at IS NULL
  AND a.uid IS NULL AND i.id = ANY(:ids::uuid[])
ORDER BY i.id

-- name: join_by_hash
-- For a statement over everybody: before the first statistics of new tables a nested loop seems cheap.
SET LOCAL enable_nestloop = off

-- name: plan_for_values
-- How many are younger than a moment only the moment tells; a plan for any is one for a third of all.
SET LOCAL plan_cache_mode = force_custom_plan

-- name: touched_since
-- Linked accounts whose identity is younger than the last run, or that we changed since: the archive knows those, by the
-- time when they were done, and no index of accounts has to follow every change. Two looks, each for the few that moved.
SELECT a.uid FROM accounts a
WHERE a.tenant_id = :tenant_id AND a.connector_id = :connector_id AND a.object_class = :object_class
  AND a.uid IS NOT NULL AND a.state <> 'dead' AND a.identity_id IS NOT NULL
  AND a.id = ANY(ARRAY(
      SELECT DISTINCT o.account_id FROM operations_archive o
      WHERE o.tenant_id = :tenant_id AND o.connector_id = :connector_id AND o.ending IS NULL
        AND o.completed_day >= (:since::timestamptz AT TIME ZONE 'UTC')::date AND o.completed_at >= :since))
UNION
SELECT a.uid FROM accounts a
WHERE a.tenant_id = :tenant_id AND a.connector_id = :connector_id AND a.object_class = :object_class
  AND a.uid IS NOT NULL AND a.state <> 'dead'
  AND a.identity_id = ANY(ARRAY(
      SELECT i.id FROM identities i WHERE i.tenant_id = :tenant_id AND i.updated_at >= :since))
ORDER BY uid

-- name: touched_long_since
-- The same from a time of which the archive may have forgotten something: all accounts are read.
SELECT a.uid FROM accounts a
WHERE a.tenant_id = :tenant_id AND a.connector_id = :connector_id AND a.object_class = :object_class
  AND a.uid IS NOT NULL AND a.state <> 'dead' AND a.identity_id IS NOT NULL AND a.last_change_at >= :since
UNION
SELECT a.uid FROM identities i
JOIN accounts a ON a.tenant_id = :tenant_id AND a.identity_id = i.id AND a.connector_id = :connector_id
    AND a.object_class = :object_class AND a.uid IS NOT NULL AND a.state <> 'dead'
WHERE i.tenant_id = :tenant_id AND i.updated_at >= :since
ORDER BY uid

-- name: identities_changed_since
SELECT i.id FROM identities i WHERE i.tenant_id = :tenant_id AND i.updated_at >= :since ORDER BY i.id

-- name: names
SELECT id, user_name, version, active AND disabled_at IS NULL AND deleted_at IS NULL AS is_enabled FROM identities
WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[])

-- name: link
-- An account of nobody gets its owner. What hooks compute stays as the object has it until a hook has run.
UPDATE accounts a SET identity_id = n.identity_id, match = n.match, agreed_hash = NULL, hooked = (
    SELECT jsonb_object_agg(k, a.observed -> k) FROM unnest(:keep::text[]) k WHERE a.observed ? k)
FROM unnest(:ids::uuid[], :identity_ids::uuid[], :matches::jsonb[]) AS n(id, identity_id, match)
WHERE a.tenant_id = :tenant_id AND a.id = ANY(:ids::uuid[]) AND a.id = n.id AND a.identity_id IS NULL
  AND a.state <> 'dead'
RETURNING a.id

-- name: placeholders
-- The rows that wait for an account of these people, locked in id order.
SELECT a.id, a.identity_id, a.uid, a.state, EXISTS (
    SELECT 1 FROM operations o WHERE o.tenant_id = :tenant_id AND o.id = a.head_id AND o.status = 'in_progress') AS is_busy
FROM accounts a
WHERE a.tenant_id = :tenant_id AND a.connector_id = :connector_id AND a.object_class = :object_class
  AND a.identity_id = ANY(:identity_ids::uuid[])
ORDER BY a.id FOR UPDATE OF a

-- name: take_over
-- The row that waited for an account becomes that of the object found; the object's own row must be gone by now.
UPDATE accounts a SET uid = n.uid, state = 'active', gone_at = NULL, observed = n.observed,
    observed_active = n.observed_active, observed_hash = n.observed_hash, agreed_hash = NULL, match = n.match, hooked = (
    SELECT jsonb_object_agg(k, n.observed -> k) FROM unnest(:keep::text[]) k WHERE n.observed ? k)
FROM unnest(:ids::uuid[], :uids::text[], :observed::jsonb[], :observed_active::boolean[], :observed_hashes::bigint[],
            :matches::jsonb[])
    AS n(id, uid, observed, observed_active, observed_hash, match)
WHERE a.tenant_id = :tenant_id AND a.id = ANY(:ids::uuid[]) AND a.id = n.id AND (a.uid IS NULL OR a.state = 'dead')
RETURNING a.id

-- name: turn_creates
-- What was to make an account has only to correct the one that was found.
WITH changed AS (
    UPDATE operations o SET operation_type = 'update', target_uid = n.uid, updated_at = db_now(), version = o.version + 1
    FROM unnest(:ids::uuid[], :uids::text[]) AS n(id, uid)
    WHERE o.tenant_id = :tenant_id AND o.account_id = n.id AND o.operation_type = 'create' AND o.status <> 'in_progress'
    RETURNING o.id, o.connector_id, o.created_at
)
INSERT INTO live_counts (tenant_id, made_at, first_id, last_id, connector_id, operation_type, n)
SELECT :tenant_id, date_trunc('second', c.created_at), k.id, k.id, c.connector_id, k.operation_type, k.n
FROM changed c, LATERAL (VALUES (NULL::uuid, 'create', -1), (c.id, 'update', 1)) AS k(id, operation_type, n)

-- name: give_way
DELETE FROM accounts WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[]) AND identity_id IS NULL AND live = 0
RETURNING id, uid, observed, observed_active, observed_hash

-- name: unlink
UPDATE accounts SET identity_id = NULL, match = NULL, wanted = NULL, wanted_active = NULL, wanted_hash = NULL,
    hooked = NULL, identity_version = NULL, agreed_hash = NULL
WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[]) AND identity_id IS NOT NULL AND live = 0
RETURNING id

-- name: forget_gone
-- An account found gone is made anew: nothing of the old object counts any more.
UPDATE accounts SET uid = NULL, state = 'pending', gone_at = NULL, observed = NULL, observed_active = NULL,
    observed_hash = NULL, agreed_hash = NULL, hooked = NULL
WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[]) AND state = 'dead' AND live = 0
RETURNING id

-- name: drop_gone
DELETE FROM accounts WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[]) AND state = 'dead' AND live = 0
RETURNING id
