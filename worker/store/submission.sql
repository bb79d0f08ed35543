-- name: begin_lane
-- One operation for an account that has nothing in its lane: the account's row is locked by this change itself and looked
-- at as it is then, so that no look of its own is needed before. Nothing is written where there is no such lane.
WITH t AS MATERIALIZED (SELECT db_now() AS now),
lane AS (
    UPDATE accounts SET live = 1, seq = seq + 1, head_id = :id,
        has_others = has_others OR coalesce(:user_id::uuid <> identity_id, :user_id IS NOT NULL)
    WHERE tenant_id = :tenant_id AND id = :account_id AND live = 0
    RETURNING seq
),
counted AS (
    INSERT INTO live_counts (tenant_id, made_at, first_id, last_id, connector_id, operation_type, n)
    SELECT :tenant_id, date_trunc('second', t.now), :id, :id, :connector_id, :operation_type, 1 FROM lane, t
)
INSERT INTO operations (tenant_id, id, connector_id, account_id, user_id, seq, head, operation_type, object_class,
    target_uid, status, wait_reason, priority, max_retries, payload, secrets, idempotency_key, origin, identity_version,
    mapping_version, run_id, correlation_id, discrepancy_id, expected_hash, approval_id, redrive_of, created_by,
    created_at, updated_at, ready_at)
SELECT :tenant_id, :id::uuid, :connector_id::uuid, :account_id::uuid, :user_id::uuid, lane.seq, true,
    :operation_type::text, :object_class::text, :target_uid::text,
    CASE WHEN :wait_reason::text IS NULL THEN 'pending' ELSE 'awaiting_system' END, :wait_reason::text,
    :priority::smallint, :max_retries::smallint, :payload::jsonb, :secrets::bytea, :idempotency_key::text, :origin::text,
    :identity_version::bigint, :mapping_version::integer, :run_id::uuid, :correlation_id::uuid, :discrepancy_id::uuid,
    :expected_hash::bigint, :approval_id::uuid, :redrive_of::uuid, :created_by::uuid, t.now, t.now, t.now
FROM lane, t
