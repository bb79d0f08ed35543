-- name: produce
-- The shared lock lets producers run beside each other and keeps a consumer from declaring the work done while one of
-- them has not committed. A statement of its own: what follows must see what a consumer settled while this waited.
SELECT pg_advisory_xact_lock_shared(hashtextextended(concat(:tenant_id::uuid, :kind::text, :ref_id::uuid), 0))

-- name: ask
-- The producer's half, under its lock: move due_at earlier, never later. The weight is the connector's, for a claim.
INSERT INTO due_work (tenant_id, kind, ref_id, due_at, weight)
SELECT :tenant_id, :kind, :ref_id, coalesce(:due_at::timestamptz, db_now()),
    coalesce((SELECT (c.limits ->> 'weight')::integer FROM connectors c
              WHERE c.tenant_id = :tenant_id AND c.id = :ref_id AND :kind = 'claim'), 1)
WHERE NOT EXISTS (  -- due already: then nobody has to wait for the row of somebody who has not committed
    SELECT 1 FROM due_work w WHERE w.tenant_id = :tenant_id AND w.kind = :kind AND w.ref_id = :ref_id
      AND w.due_at <= coalesce(:due_at::timestamptz, db_now()))
ON CONFLICT (tenant_id, kind, ref_id) DO UPDATE SET due_at = EXCLUDED.due_at
WHERE due_work.due_at > EXCLUDED.due_at

-- name: weigh
UPDATE due_work SET weight = :weight
WHERE tenant_id = :tenant_id AND kind = 'claim' AND ref_id = :ref_id AND weight <> :weight::integer

-- name: try_settle_lock
SELECT pg_try_advisory_xact_lock(hashtextextended(concat(:tenant_id::uuid, :kind::text, :ref_id::uuid), 0))

-- name: settle
UPDATE due_work SET due_at = coalesce(:next_due::timestamptz, 'infinity')
WHERE tenant_id = :tenant_id AND kind = :kind AND ref_id = :ref_id

-- name: settle_claim
-- What a target has left decides when it is looked at again; due_work is not moved when it says so already. Who has not
-- looked at all that is ready looks again soon. What only a later version knows wakes nobody.
WITH next AS (
    SELECT CASE
        WHEN :again_s::float8 IS NULL AND (
            -- in the order of claims, so that it is found as a claim finds it
            (SELECT o.id FROM operations o WHERE o.tenant_id = :tenant_id AND o.connector_id = :ref_id
             AND o.rests IS NULL AND o.head AND o.crashed_leases = 0 AND o.status = 'pending'
             AND o.operation_type = ANY(:types::text[])
             ORDER BY o.urgency, o.ready_at, o.id LIMIT 1) IS NOT NULL
            OR EXISTS (SELECT 1 FROM operations o WHERE o.tenant_id = :tenant_id AND o.connector_id = :ref_id
                       AND o.crashed_leases > 0 AND o.head AND o.status = 'pending'
                       AND o.operation_type = ANY(:types::text[]))) THEN db_now()
        ELSE least(db_now() + make_interval(secs => :again_s),
                   (SELECT min(o.next_retry_at) FROM operations o WHERE o.tenant_id = :tenant_id
                    AND o.connector_id = :ref_id AND o.rests IN ('failed', 'awaiting_system') AND o.head
                    AND o.operation_type = ANY(:types::text[])
                    AND (o.rests = 'failed' OR o.wait_reason = ANY(:reasons::text[]))))
    END AS due_at
)
UPDATE due_work w SET due_at = coalesce(next.due_at, 'infinity')
FROM next
WHERE w.tenant_id = :tenant_id AND w.kind = 'claim' AND w.ref_id = :ref_id

-- name: settle_closed
-- A closed target sleeps; one that its row calls open by now stays due, for whoever closed it looked at an older row.
UPDATE due_work w SET due_at = coalesce(:next_due::timestamptz, 'infinity')
WHERE w.tenant_id = :tenant_id AND w.kind = 'claim' AND w.ref_id = :ref_id
  AND NOT EXISTS (
    SELECT 1 FROM connectors c
    WHERE c.tenant_id = :tenant_id AND c.id = :ref_id AND c.status = 'active' AND c.breaker_state <> 'open'
      AND (c.baseline_at IS NOT NULL OR c.settings @> '{"require_baseline": false}'))

-- name: forget
DELETE FROM due_work WHERE tenant_id = :tenant_id AND kind = :kind AND ref_id = :ref_id

-- name: due
-- What is due now, the longest waiting first, behind the last one of the page before; and, without a kind, in how many
-- seconds the next thing is due. One look at the clock for both, or something could be neither.
WITH t AS MATERIALIZED (SELECT db_now() AS now)
(SELECT w.tenant_id, w.kind, w.ref_id, w.due_at, w.weight, NULL::float8 AS in_s FROM t, due_work w
WHERE w.due_at <= t.now AND w.kind = ANY(:kinds::text[])
  AND (:after_due_at::timestamptz IS NULL OR w.due_at > :after_due_at OR (w.due_at = :after_due_at
       AND (w.tenant_id, w.kind, w.ref_id) > (:after_tenant_id::uuid, :after_kind::text, :after_ref_id::uuid)))
ORDER BY w.due_at, w.tenant_id, w.kind, w.ref_id LIMIT :limit)
UNION ALL
(SELECT NULL, NULL, NULL, w.due_at, NULL, extract(epoch FROM w.due_at - t.now)::float8 FROM t, due_work w
WHERE w.due_at > t.now AND w.due_at < 'infinity' AND w.kind = ANY(:kinds::text[]) ORDER BY w.due_at LIMIT 1)

-- name: sweep
-- Heals what a bug may leave: every target and every tenant is looked at once in a while, whatever due_work says.
UPDATE due_work SET due_at = db_now()
WHERE kind IN ('claim', 'plan', 'inbox', 'repair', 'follow_up') AND due_at > db_now() + interval '60 seconds'
