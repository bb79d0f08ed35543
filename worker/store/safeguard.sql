-- name: lock
-- One acceptor at a time weighs removals of a target, so that two cannot both use the last of what is allowed.
SELECT pg_advisory_xact_lock(hashtextextended(concat('removals', :tenant_id::uuid, :connector_id::uuid), 0))

-- name: used
-- Whole hours are counted, so the window is a little longer than 24 hours and never shorter.
SELECT coalesce(sum(accepted), 0)::bigint FROM removal_counts
WHERE tenant_id = :tenant_id AND connector_id = :connector_id
  AND hour >= date_trunc('hour', db_now(), 'UTC') - interval '24 hours'

-- name: active_accounts
-- Counted up to where the threshold no longer rises.
SELECT count(*) FROM (
    SELECT 1 FROM accounts
    WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND state = 'active' LIMIT :most) AS a

-- name: count
INSERT INTO removal_counts (tenant_id, connector_id, hour, accepted)
VALUES (:tenant_id, :connector_id, date_trunc('hour', db_now(), 'UTC'), :accepted)
ON CONFLICT (tenant_id, connector_id, hour) DO UPDATE SET accepted = removal_counts.accepted + EXCLUDED.accepted

-- name: open_approval
SELECT id, held, sample FROM approvals
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND status = 'open' AND kind = :kind
  AND run_id IS NOT DISTINCT FROM :run_id::uuid
ORDER BY id LIMIT 1 FOR UPDATE

-- name: insert_approval
INSERT INTO approvals (tenant_id, id, connector_id, run_id, kind, status, held, threshold, sample, reason, created_at,
    asked_at)
SELECT :tenant_id, :id, :connector_id, :run_id, :kind, 'open', :held, :threshold, :sample, :reason, t.now, t.now
FROM (SELECT db_now() AS now) t

-- name: grow_approval
UPDATE approvals SET held = :held, sample = :sample, version = version + 1, asked_at = db_now()
WHERE tenant_id = :tenant_id AND id = :id

-- name: lock_approval
SELECT id, connector_id, run_id, kind, status, held, version, threshold, sample, reason FROM approvals
WHERE tenant_id = :tenant_id AND id = :id FOR UPDATE

-- name: approval
SELECT id, connector_id, run_id, kind, status, held, threshold, sample, reason, created_at, decided_at, decided_by, notes
FROM approvals WHERE tenant_id = :tenant_id AND id = :id

-- name: decide
UPDATE approvals SET status = :status, held = :held, decided_at = db_now(), decided_by = :by, notes = :notes
WHERE tenant_id = :tenant_id AND id = :id AND status = 'open'

-- name: due
-- Nobody decided in time; or what was held gave way to newer plans, or was cancelled, and nobody needs to decide.
SELECT a.id, a.version, w.is_idle FROM approvals a
CROSS JOIN LATERAL (
    SELECT a.kind = 'removals' AND NOT EXISTS (
        SELECT 1 FROM operations o
        WHERE o.tenant_id = :tenant_id AND o.approval_id = a.id AND o.rests = 'awaiting_system'
          AND o.wait_reason = 'approval') AS is_idle) w
WHERE a.tenant_id = :tenant_id AND a.status = 'open'
  AND (w.is_idle OR a.asked_at < db_now() - make_interval(days => :days))
ORDER BY a.connector_id, a.id

-- name: held
SELECT id, epoch, account_id FROM operations
WHERE tenant_id = :tenant_id AND approval_id = :approval_id AND rests = 'awaiting_system' AND wait_reason = 'approval'

-- name: forget_removals
UPDATE accounts SET wanted_active = NULL, removal_refused_at = db_now()
WHERE tenant_id = :tenant_id AND id = ANY(:account_ids::uuid[]) AND wanted_active = false
  AND (wanted IS NULL OR observed_active IS DISTINCT FROM false)

-- name: refused_before
SELECT id FROM accounts
WHERE tenant_id = :tenant_id AND id = ANY(:account_ids::uuid[]) AND removal_refused_at IS NOT NULL

-- name: forgive
UPDATE accounts SET removal_refused_at = NULL
WHERE tenant_id = :tenant_id AND id = ANY(:account_ids::uuid[]) AND removal_refused_at IS NOT NULL

-- name: who
SELECT a.id, a.uid, i.user_name FROM accounts a
LEFT JOIN identities i ON i.tenant_id = a.tenant_id AND i.id = a.identity_id
WHERE a.tenant_id = :tenant_id AND a.id = ANY(:account_ids::uuid[])

-- name: refuse
-- What would change a protected account, where people look for what needs them: among the dead letters. Refused once,
-- however often it is planned. What all have in common is sent once, as for those that are accepted.
WITH n AS (
    SELECT n.id, coalesce(n.connector_id, :connector_id) AS connector_id, n.account_id,
        coalesce(n.user_id, :user_id) AS user_id, coalesce(n.operation_type, :operation_type) AS operation_type,
        coalesce(n.object_class, :object_class) AS object_class, coalesce(n.target_uid, :target_uid) AS target_uid,
        coalesce(n.priority, :priority) AS priority, coalesce(n.max_retries, :max_retries) AS max_retries,
        n.payload, coalesce(n.secrets, :secrets) AS secrets, coalesce(n.origin, :origin) AS origin,
        coalesce(n.identity_version, :identity_version) AS identity_version,
        coalesce(n.mapping_version, :mapping_version) AS mapping_version, coalesce(n.run_id, :run_id) AS run_id,
        coalesce(n.correlation_id, :correlation_id) AS correlation_id,
        coalesce(n.discrepancy_id, :discrepancy_id) AS discrepancy_id,
        coalesce(n.redrive_of, :redrive_of) AS redrive_of, coalesce(n.created_by, :created_by) AS created_by
    FROM unnest(
        :ids::uuid[], :each_connector_id::uuid[], :account_ids::uuid[], :each_user_id::uuid[], :each_operation_type::text[],
        :each_object_class::text[], :each_target_uid::text[], :each_priority::smallint[], :each_max_retries::smallint[],
        :each_payload::jsonb[], :each_secrets::bytea[], :each_origin::text[], :each_identity_version::bigint[], :each_mapping_version::integer[],
        :each_run_id::uuid[], :each_correlation_id::uuid[], :each_discrepancy_id::uuid[], :each_redrive_of::uuid[],
        :each_created_by::uuid[])
        AS n(id, connector_id, account_id, user_id, operation_type, object_class, target_uid, priority, max_retries,
             payload, secrets, origin, identity_version, mapping_version, run_id, correlation_id, discrepancy_id,
             redrive_of, created_by)
)
INSERT INTO dead_letters (tenant_id, id, connector_id, account_id, user_id, seq, operation_type, object_class,
    target_uid, status, priority, max_retries, error_code, error_message, payload, secrets, origin, identity_version,
    mapping_version, run_id, correlation_id, discrepancy_id, redrive_of, created_by, created_at, updated_at, dead_at)
SELECT :tenant_id, n.id, n.connector_id, n.account_id, n.user_id, 0, n.operation_type, n.object_class, n.target_uid,
    'dead_letter', n.priority, n.max_retries, :code, :message, n.payload, n.secrets, n.origin, n.identity_version,
    n.mapping_version, n.run_id, n.correlation_id, n.discrepancy_id, n.redrive_of, n.created_by, t.now, t.now, t.now
FROM n, (SELECT db_now() AS now) t
WHERE NOT EXISTS (
    SELECT 1 FROM dead_letters d
    WHERE d.tenant_id = :tenant_id AND d.user_id = n.user_id AND d.account_id = n.account_id AND d.error_code = :code
      AND d.operation_type = n.operation_type AND d.payload = n.payload)
