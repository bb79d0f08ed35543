-- name: record
-- The same finding is the same row in every run: an open one is touched, a settled one opens again, an ignored one
-- stays so until its time is over. Recording twice in one run counts once. Lists come wrapped in an object: an array of
-- JSON lists would be taken for an array of two dimensions.
WITH n AS (
    SELECT n.*, n.wrapped -> 'list' AS suggested_actions,
        ARRAY(SELECT jsonb_array_elements_text(n.wrapped -> 'causes')) AS causes
    FROM unnest(:ids::uuid[], :keys::text[], :types::text[], :account_ids::uuid[], :identity_ids::uuid[],
        :uids::text[], :attributes::jsonb[], :explanations::text[], :suggestions::jsonb[], :state_hashes::bigint[])
    AS n(id, finding_key, discrepancy_type, account_id, identity_id, external_uid, attributes, explanation,
         wrapped, state_hash)
),
before AS (
    SELECT d.finding_key, d.last_seen_run, d.resolution_status FROM discrepancies d JOIN n USING (finding_key)
    WHERE d.tenant_id = :tenant_id AND d.connector_id = :connector_id
),
written AS (
    INSERT INTO discrepancies AS d (tenant_id, id, connector_id, finding_key, run_id, discrepancy_type, account_id,
        identity_id, external_uid, attributes, causes, explanation, suggested_actions, state_hash, resolution_status,
        created_at, first_seen_at, last_seen_at, last_seen_run)
    SELECT :tenant_id, n.id, :connector_id, n.finding_key, :run_id, n.discrepancy_type, n.account_id, n.identity_id,
        n.external_uid, n.attributes, n.causes, n.explanation, n.suggested_actions, n.state_hash, 'pending', t.now,
        t.now, t.now, :run_id
    FROM n, (SELECT db_now() AS now) t ORDER BY n.finding_key
    ON CONFLICT (tenant_id, connector_id, finding_key) DO UPDATE SET
        account_id = EXCLUDED.account_id, identity_id = EXCLUDED.identity_id, attributes = EXCLUDED.attributes,
        causes = EXCLUDED.causes, undone_at = CASE WHEN d.resolution_status <> 'resolved' THEN d.undone_at END,
        explanation = EXCLUDED.explanation, suggested_actions = EXCLUDED.suggested_actions,
        state_hash = EXCLUDED.state_hash, last_seen_at = EXCLUDED.last_seen_at, last_seen_run = EXCLUDED.last_seen_run,
        occurrences = d.occurrences + CASE WHEN d.last_seen_run = EXCLUDED.last_seen_run THEN 0 ELSE 1 END,
        resolution_status = CASE WHEN d.resolution_status = 'ignored'
            AND (d.ignored_until IS NULL OR d.ignored_until > EXCLUDED.last_seen_at) THEN 'ignored' ELSE 'pending' END,
        run_id = CASE WHEN d.resolution_status = 'pending' THEN d.run_id ELSE EXCLUDED.run_id END,
        resolved_action = CASE WHEN d.resolution_status = 'ignored' THEN d.resolved_action END,
        resolved_at = CASE WHEN d.resolution_status = 'ignored' THEN d.resolved_at END,
        resolved_by = CASE WHEN d.resolution_status = 'ignored' THEN d.resolved_by END,
        resolved_operation = NULL,
        version = d.version + CASE WHEN d.resolution_status = 'resolved' OR d.attributes <> EXCLUDED.attributes
            OR d.suggested_actions <> EXCLUDED.suggested_actions THEN 1 ELSE 0 END
    RETURNING d.id, d.finding_key, d.discrepancy_type, d.resolution_status
)
SELECT w.id, w.finding_key, w.discrepancy_type, w.resolution_status,
    b.finding_key IS NULL AS is_new,
    coalesce(b.resolution_status = 'resolved', false) AS is_reopened,
    b.last_seen_run IS DISTINCT FROM :run_id AS is_first_in_run
FROM written w LEFT JOIN before b USING (finding_key)

-- name: close_unseen
-- What a complete run did not find again is gone. An account with an operation under way is left alone: nobody looked.
UPDATE discrepancies d SET resolution_status = 'resolved', resolved_action = 'gone', resolved_at = db_now(),
    resolved_by = NULL, version = d.version + 1
WHERE d.tenant_id = :tenant_id AND d.id = ANY(ARRAY(
    SELECT u.id FROM discrepancies u
    WHERE u.tenant_id = :tenant_id AND u.connector_id = :connector_id
      AND u.resolution_status IN ('pending', 'ignored') AND u.last_seen_run <> :run_id
      AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.tenant_id = :tenant_id AND a.id = u.account_id AND a.live > 0)
    ORDER BY u.finding_key FOR UPDATE))

-- name: close_settled
-- These accounts and identities were looked at one by one: what of theirs was not found again is gone.
UPDATE discrepancies d SET resolution_status = 'resolved', resolved_action = 'gone', resolved_at = db_now(),
    resolved_by = NULL, version = d.version + 1
WHERE d.tenant_id = :tenant_id AND d.id = ANY(ARRAY(
    SELECT u.id FROM discrepancies u
    WHERE u.tenant_id = :tenant_id AND u.connector_id = :connector_id
      AND u.resolution_status IN ('pending', 'ignored') AND NOT u.finding_key = ANY(:found_keys::text[])
      AND (u.account_id = ANY(:account_ids::uuid[])
           OR (u.discrepancy_type = 'missing' AND u.identity_id = ANY(:identity_ids::uuid[])))
    ORDER BY u.finding_key FOR UPDATE))

-- name: by_ids
SELECT * FROM discrepancies
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND id = ANY(:ids::uuid[])

-- name: connectors_of
SELECT id, connector_id FROM discrepancies WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[])

-- name: lock
-- In the order in which runs write them, so that repairs and runs cannot deadlock.
SELECT * FROM discrepancies
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND id = ANY(:ids::uuid[])
ORDER BY finding_key FOR UPDATE

-- name: page
SELECT * FROM discrepancies
WHERE tenant_id = :tenant_id AND connector_id = :connector_id
  AND (:run_id::uuid IS NULL OR last_seen_run = :run_id OR run_id = :run_id)
  AND (:types::text[] IS NULL OR discrepancy_type = ANY(:types))
  AND (:statuses::text[] IS NULL OR resolution_status = ANY(:statuses))
  AND (:identity_id::uuid IS NULL OR identity_id = :identity_id)
  AND (:uid::text IS NULL OR external_uid ILIKE '%' || :uid || '%')
  AND (:attribute_name::text IS NULL OR attributes ? :attribute_name)
  AND (:from_date::timestamptz IS NULL OR last_seen_at >= :from_date)
  AND (:to_date::timestamptz IS NULL OR last_seen_at < :to_date)
  AND (:before::uuid IS NULL OR id < :before)
ORDER BY id DESC LIMIT :limit OFFSET :offset

-- name: counts
-- By kind and resolution, with every filter but those two.
SELECT discrepancy_type, resolution_status, count(*) AS n FROM discrepancies
WHERE tenant_id = :tenant_id AND connector_id = :connector_id
  AND (:run_id::uuid IS NULL OR last_seen_run = :run_id OR run_id = :run_id)
  AND (:identity_id::uuid IS NULL OR identity_id = :identity_id)
  AND (:uid::text IS NULL OR external_uid ILIKE '%' || :uid || '%')
  AND (:attribute_name::text IS NULL OR attributes ? :attribute_name)
  AND (:from_date::timestamptz IS NULL OR last_seen_at >= :from_date)
  AND (:to_date::timestamptz IS NULL OR last_seen_at < :to_date)
GROUP BY discrepancy_type, resolution_status

-- name: of_run
-- What a run saw and nobody has settled, kinds as given, in id order; those it has dealt with already are left out.
SELECT d.* FROM discrepancies d
WHERE d.tenant_id = :tenant_id AND d.connector_id = :connector_id AND d.last_seen_run = :run_id
  AND d.resolution_status = 'pending' AND d.discrepancy_type = ANY(:types::text[]) AND d.id > :after
  AND NOT EXISTS (SELECT 1 FROM recon_actions a
                  WHERE a.tenant_id = :tenant_id AND a.discrepancy_id = d.id AND a.run_id = :run_id)
ORDER BY d.id LIMIT :limit

-- name: claimed_of
-- Those of these people whose account a run has found among those that nobody owns.
SELECT d.identity_id FROM discrepancies d
WHERE d.tenant_id = :tenant_id AND d.identity_id = ANY(:identity_ids::uuid[]) AND d.connector_id = :connector_id
  AND d.last_seen_run = :run_id AND d.resolution_status = 'pending' AND d.discrepancy_type = 'unlinked'

-- name: pending_of_run
SELECT discrepancy_type, count(*) AS n FROM discrepancies
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND resolution_status = 'pending'
  AND discrepancy_type = ANY(:types::text[]) AND last_seen_run = :run_id
GROUP BY discrepancy_type

-- name: settle
UPDATE discrepancies d SET resolution_status = 'resolved', resolved_action = n.action, resolved_at = db_now(),
    resolved_by = :resolved_by, resolved_operation = n.operation_id, version = d.version + 1
FROM unnest(:ids::uuid[], :actions::text[], :operation_ids::uuid[]) AS n(id, action, operation_id)
WHERE d.tenant_id = :tenant_id AND d.id = n.id AND d.resolution_status = 'pending'

-- name: ignore
UPDATE discrepancies SET resolution_status = 'ignored', ignored_reason = :reason, ignored_until = :until,
    resolved_at = db_now(), resolved_by = :resolved_by, version = version + 1
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND id = ANY(:ids::uuid[])
  AND resolution_status = 'pending'
RETURNING id

-- name: reopen
UPDATE discrepancies SET resolution_status = 'pending', ignored_reason = NULL, ignored_until = NULL,
    resolved_action = NULL, resolved_at = NULL, resolved_by = NULL, resolved_operation = NULL, version = version + 1,
    undone_at = CASE WHEN :is_undone::boolean THEN db_now() ELSE undone_at END
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND id = ANY(:ids::uuid[])
  AND resolution_status <> 'pending'
RETURNING id

-- name: summary
SELECT discrepancy_type, resolution_status, count(*) AS n FROM discrepancies
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND last_seen_run = :run_id
GROUP BY discrepancy_type, resolution_status

-- name: mismatched_attributes
SELECT k.name, count(*) AS n FROM discrepancies d CROSS JOIN LATERAL jsonb_object_keys(d.attributes) AS k(name)
WHERE d.tenant_id = :tenant_id AND d.connector_id = :connector_id AND d.last_seen_run = :run_id
  AND d.discrepancy_type = 'mismatch'
GROUP BY k.name ORDER BY count(*) DESC, k.name LIMIT :limit

-- name: of_changed
-- Findings of a run in accounts that it saw changed at the target.
SELECT d.discrepancy_type, d.external_uid FROM discrepancies d
JOIN accounts a ON a.tenant_id = :tenant_id AND a.id = d.account_id
WHERE d.tenant_id = :tenant_id AND d.connector_id = :connector_id AND d.last_seen_run = :run_id
  AND a.changed_run = :run_id AND d.external_uid IS NOT NULL
ORDER BY d.id LIMIT :limit
