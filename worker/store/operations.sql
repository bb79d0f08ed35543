-- name: lock_lanes
-- Always in id order, so that enqueue and finish of the same accounts cannot deadlock; and always as a statement of
-- its own, so that what follows sees everything committed before the lock was had.
SELECT id, live, seq, head_id, identity_id FROM accounts
WHERE tenant_id = :tenant_id AND id = ANY(:account_ids::uuid[])
ORDER BY id FOR UPDATE

-- name: standing_of
-- What stands in these lanes: the heads, which come by their id, and the last of each lane. Heads stay locked: a claim
-- that came between this look and a rewrite would send the old plan and lose the newer one. One that is being claimed at
-- this moment is not seen, and what is new takes its place behind it. Nobody claims what is behind a head.
WITH heads AS (
    SELECT id, account_id, seq, operation_type, payload, secrets, approval_id, status, wait_reason, origin, attempt_number
    FROM operations WHERE tenant_id = :tenant_id AND id = ANY(:head_ids::uuid[]) FOR UPDATE SKIP LOCKED
),
others AS (
    SELECT o.* FROM unnest(:account_ids::uuid[]) AS lane(id), LATERAL (
        SELECT id, account_id, seq, operation_type, payload, secrets, approval_id, status, wait_reason, origin, attempt_number
        FROM operations WHERE tenant_id = :tenant_id AND account_id = lane.id AND NOT head
        ORDER BY seq DESC LIMIT :most) AS o
)
SELECT * FROM heads UNION ALL SELECT * FROM others

-- name: insert
-- What all of them have in common is sent once, and its array is empty: the server fills it up with nothing.
WITH t AS MATERIALIZED (SELECT db_now() AS now),
counted AS (
    INSERT INTO live_counts (tenant_id, made_at, first_id, last_id, connector_id, operation_type, n)
    SELECT :tenant_id, date_trunc('second', t.now), s.first_id, s.last_id, k.connector_id, k.operation_type, k.n
    FROM unnest(:counted_connectors::uuid[], :counted_types::text[], :counts::bigint[])
        AS k(connector_id, operation_type, n), t,
        (SELECT min(i.id::text COLLATE "C")::uuid AS first_id, max(i.id::text COLLATE "C")::uuid AS last_id
         FROM unnest(:ids::uuid[]) AS i(id)) AS s
)
INSERT INTO operations (tenant_id, id, connector_id, account_id, user_id, seq, head, operation_type, object_class,
    target_uid, status, wait_reason, priority, max_retries, payload, secrets, idempotency_key, origin, identity_version,
    mapping_version, run_id, correlation_id, discrepancy_id, expected_hash, approval_id, redrive_of, created_by,
    created_at, updated_at, ready_at)
SELECT :tenant_id, n.id, coalesce(n.connector_id, :connector_id), n.account_id, coalesce(n.user_id, :user_id),
    coalesce(n.seq, :seq), coalesce(n.head, :head), coalesce(n.operation_type, :operation_type),
    coalesce(n.object_class, :object_class), coalesce(n.target_uid, :target_uid),
    CASE WHEN coalesce(n.wait_reason, :wait_reason) IS NULL THEN 'pending' ELSE 'awaiting_system' END,
    coalesce(n.wait_reason, :wait_reason), coalesce(n.priority, :priority), coalesce(n.max_retries, :max_retries),
    n.payload, coalesce(n.secrets, :secrets), coalesce(n.idempotency_key, :idempotency_key), coalesce(n.origin, :origin),
    coalesce(n.identity_version, :identity_version), coalesce(n.mapping_version, :mapping_version),
    coalesce(n.run_id, :run_id), coalesce(n.correlation_id, :correlation_id),
    coalesce(n.discrepancy_id, :discrepancy_id), coalesce(n.expected_hash, :expected_hash),
    coalesce(n.approval_id, :approval_id), coalesce(n.redrive_of, :redrive_of), coalesce(n.created_by, :created_by),
    t.now, t.now, t.now
FROM unnest(
    :ids::uuid[], :each_connector_id::uuid[], :account_ids::uuid[], :each_user_id::uuid[], :each_seq::bigint[],
    :each_head::boolean[], :each_operation_type::text[], :each_object_class::text[], :each_target_uid::text[],
    :each_wait_reason::text[], :each_priority::smallint[], :each_max_retries::smallint[], :each_payload::jsonb[],
    :each_secrets::bytea[],
    :each_idempotency_key::text[], :each_origin::text[], :each_identity_version::bigint[],
    :each_mapping_version::integer[], :each_run_id::uuid[], :each_correlation_id::uuid[],
    :each_discrepancy_id::uuid[], :each_expected_hash::bigint[], :each_approval_id::uuid[], :each_redrive_of::uuid[],
    :each_created_by::uuid[])
    AS n(id, connector_id, account_id, user_id, seq, head, operation_type, object_class, target_uid, wait_reason,
         priority, max_retries, payload, secrets, idempotency_key, origin, identity_version, mapping_version, run_id,
         correlation_id, discrepancy_id, expected_hash, approval_id, redrive_of, created_by), t

-- name: open_lanes
-- Accounts that nobody knows yet, each with its first operation at the head of its lane. An account that somebody made
-- or linked in the meantime stays as it is, and the operation is left out. A payload is sent only where it says more
-- than what is wanted, and what all have in common is sent once.
WITH t AS MATERIALIZED (SELECT db_now() AS now),
n AS (
    SELECT * FROM unnest(:ids::uuid[], :account_ids::uuid[], :user_ids::uuid[], :wanted::jsonb[],
        :payloads::jsonb[], :secrets::bytea[], :identity_versions::bigint[], :correlation_ids::uuid[])
    AS n(id, account_id, user_id, wanted, payload, secrets, identity_version, correlation_id)
),
made AS (
    INSERT INTO accounts (tenant_id, id, connector_id, object_class, identity_id, state, wanted, wanted_active,
        wanted_hash, mapping_version, identity_version, seq, live, head_id)
    SELECT :tenant_id, n.account_id, :connector_id, :object_class, n.user_id, 'pending', n.wanted, true,
        jsonb_hash_extended(n.wanted, 0), :mapping_version, coalesce(n.identity_version, :identity_version::bigint),
        1, 1, n.id
    FROM n
    ON CONFLICT (tenant_id, connector_id, object_class, identity_id) WHERE identity_id IS NOT NULL DO NOTHING
    RETURNING head_id
),
counted AS (
    INSERT INTO live_counts (tenant_id, made_at, first_id, last_id, connector_id, operation_type, n)
    SELECT :tenant_id, date_trunc('second', t.now), min(head_id::text COLLATE "C")::uuid,
        max(head_id::text COLLATE "C")::uuid, :connector_id, 'create', count(*) FROM made, t
    GROUP BY t.now
)
INSERT INTO operations (tenant_id, id, connector_id, account_id, user_id, seq, head, operation_type, object_class,
    status, priority, max_retries, payload, secrets, origin, identity_version, mapping_version, run_id, correlation_id,
    created_at, updated_at, ready_at)
SELECT :tenant_id, n.id, :connector_id, n.account_id, n.user_id, 1, true, 'create', :object_class, 'pending',
    :priority, :max_retries, coalesce(n.payload, jsonb_build_object('attributes', n.wanted, 'active', true)), n.secrets, :origin,
    coalesce(n.identity_version, :identity_version::bigint), :mapping_version, :run_id,
    coalesce(n.correlation_id, :correlation_id::uuid), t.now, t.now, t.now
FROM n, t
WHERE (n.id IN (SELECT head_id FROM made)) IS TRUE

-- name: opened
-- Which of these accounts were opened with which operation.
SELECT id, head_id FROM accounts WHERE tenant_id = :tenant_id AND id = ANY(:account_ids::uuid[])

-- name: take_places
-- What all lanes get alike is sent once. The subscripts tell the planner that there are many: of a few it would compare
-- each with each.
UPDATE accounts a SET live = a.live + coalesce(p.added, :added), seq = a.seq + coalesce(p.added, :added),
    head_id = coalesce(a.head_id, p.head_id)
FROM ROWS FROM (unnest(:account_ids::uuid[]), unnest(:each_added::integer[]), unnest(:head_ids::uuid[]),
                generate_subscripts(:account_ids::uuid[], 1)) AS p(id, added, head_id, place)
WHERE a.tenant_id = :tenant_id AND a.id = ANY(:account_ids::uuid[]) AND a.id = p.id

-- name: note_others
-- These hold operations of other people than their owner.
UPDATE accounts SET has_others = true
WHERE tenant_id = :tenant_id AND id = ANY(:account_ids::uuid[]) AND NOT has_others

-- name: rewrite
-- A newer plan of the same account replaces the payload of one that was never tried. Only a repair is dropped when its
-- account has moved: what holds a plan's change is sent, whatever it was merged with. A delete replaces all before it.
-- What becomes of another type is counted as that.
WITH was AS MATERIALIZED (
    SELECT o.id, o.operation_type FROM operations o WHERE o.tenant_id = :tenant_id AND o.id = ANY(:ids::uuid[])
),
changed AS (
    UPDATE operations o SET payload = r.payload, secrets = r.secrets, operation_type = r.operation_type, identity_version = r.identity_version,
        mapping_version = r.mapping_version, correlation_id = r.correlation_id, run_id = coalesce(r.run_id, o.run_id),
        expected_hash = CASE WHEN o.expected_hash IS NOT NULL OR r.operation_type = 'delete' THEN r.expected_hash END,
        version = o.version + 1, updated_at = db_now()
    FROM ROWS FROM (unnest(:ids::uuid[]), unnest(:operation_types::text[]), unnest(:payloads::jsonb[]),
                    unnest(:secrets::bytea[]),
                    unnest(:identity_versions::bigint[]), unnest(:mapping_versions::integer[]),
                    unnest(:correlation_ids::uuid[]), unnest(:run_ids::uuid[]), unnest(:expected_hashes::bigint[]),
                    generate_subscripts(:ids::uuid[], 1))
        AS r(id, operation_type, payload, secrets, identity_version, mapping_version, correlation_id, run_id, expected_hash, place)
    WHERE o.tenant_id = :tenant_id AND o.id = ANY(:ids::uuid[]) AND o.id = r.id AND o.attempt_number = 0
    RETURNING o.id, o.connector_id, o.operation_type, o.created_at
)
INSERT INTO live_counts (tenant_id, made_at, first_id, last_id, connector_id, operation_type, n)
SELECT :tenant_id, date_trunc('second', c.created_at), k.id, k.id, c.connector_id, k.operation_type, k.n
FROM changed c JOIN was w ON w.id = c.id AND w.operation_type <> c.operation_type,
    LATERAL (VALUES (NULL::uuid, w.operation_type, -1), (c.id, c.operation_type, 1)) AS k(id, operation_type, n)

-- part: noted
-- What the owner holds from now on, so that it is found when the owner is gone.
noted AS (
    INSERT INTO claims (tenant_id, owner, id, operation_ids)
    SELECT :tenant_id, :owner, :claim_id, array_agg(c.id) FROM claimed c HAVING count(*) > 0
)

-- part: taken
-- What a claim of what is pending writes: who holds it now, and the next try's number and fence.
status = 'in_progress', owner = :owner, epoch = epoch + 1, attempt_number = attempt_number + 1, wait_reason = NULL,
    started_at = coalesce(started_at, t.now), updated_at = t.now, version = version + 1

-- part: following
-- The next one of each of these lanes, which have no head.
following AS MATERIALIZED (
    SELECT a.id AS account_id, n.id FROM unnest(:account_ids::uuid[]) AS a(id), LATERAL (
        SELECT b.id FROM operations b
        WHERE b.tenant_id = :tenant_id AND b.account_id = a.id AND NOT b.head ORDER BY b.seq LIMIT 1) n
)

-- part: headed
-- It becomes the head of its lane.
UPDATE accounts a SET head_id = f.id FROM following f
WHERE a.tenant_id = :tenant_id AND a.id = ANY(:account_ids::uuid[]) AND a.id = f.account_id AND a.head_id IS NULL

-- part: claimed
-- What a try needs to know of its operation, in the order in which store.operations reads it.
id, tenant_id, connector_id, account_id, operation_type, object_class,
    CASE WHEN secrets IS NULL THEN payload
        ELSE payload || jsonb_build_object('sealed', convert_from(secrets, 'UTF8')::jsonb) END AS payload,
    user_id, target_uid, priority, retry_count, max_retries, attempt_number, crashed_leases, epoch, owner, origin, identity_version, run_id,
    correlation_id, expected_hash, parks, created_by, created_at, ready_at, seq

-- name: claim
-- The most urgent heads of one target, of equals the one that has been ready longest. A process without a lease gets
-- nothing. Each range starts behind what was claimed of its urgency before and ends where the next one starts; a range
-- is read only as far as it is needed. Each row says, too, whether the target has anything to claim beside its heads;
-- when there is nothing else, a row says only that. No column changes that an index knows.
-- moves: pending -> in_progress
WITH t AS MATERIALIZED (SELECT db_now() AS now),
claimed AS (
    UPDATE operations SET {taken}
    FROM t
    WHERE tenant_id = :tenant_id AND id = ANY(ARRAY(
        SELECT o.id FROM unnest(:urgencies::smallint[], :times::timestamptz[], :after_ids::uuid[], :up_to::smallint[])
            AS r(urgency, ready_at, id, up_to), LATERAL (
            SELECT id FROM operations
            WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND rests IS NULL AND head
              AND crashed_leases = 0 AND status = 'pending' AND operation_type = ANY(:types::text[])
              AND (urgency, ready_at, id) > (r.urgency, r.ready_at, r.id) AND urgency <= r.up_to
              AND EXISTS (SELECT 1 FROM workers w WHERE w.id = :owner AND w.expires_at > db_now())
            ORDER BY urgency, ready_at, id LIMIT :limit FOR UPDATE SKIP LOCKED) AS o
        LIMIT :limit))
    RETURNING {claimed}
),
{noted}
SELECT c.*, s.is_suspect, s.is_due, s.waits
FROM (
    SELECT EXISTS (SELECT 1 FROM operations WHERE tenant_id = :tenant_id AND connector_id = :connector_id
                   AND crashed_leases > 0 AND status = 'pending' AND head) AS is_suspect,
        EXISTS (SELECT 1 FROM operations WHERE tenant_id = :tenant_id AND connector_id = :connector_id
                AND rests = 'failed' AND head AND next_retry_at <= db_now()) AS is_due,
        EXISTS (SELECT 1 FROM operations WHERE tenant_id = :tenant_id AND connector_id = :connector_id
                AND rests = 'awaiting_system' AND head AND next_retry_at <= db_now()) AS waits) s
LEFT JOIN claimed c ON true

-- name: claim_suspects
-- Of those that were in the hands of a process when it died, a few at a time: one of them may be what killed it. The
-- many that were only held beside it must be done before it comes again, so one that two processes died with comes last
-- and alone.
-- moves: pending -> in_progress
WITH claimed AS (
    UPDATE operations SET status = 'in_progress', owner = :owner, epoch = epoch + 1, attempt_number = attempt_number + 1,
        wait_reason = NULL, started_at = coalesce(started_at, db_now()), updated_at = db_now(), version = version + 1
    WHERE tenant_id = :tenant_id AND id = ANY(ARRAY(
        SELECT o.id FROM (VALUES (1, 8), (2, 1)) AS s(crashes, most), LATERAL (
            SELECT id FROM operations
            WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND status = 'pending' AND head
              AND crashed_leases > 0 AND crashed_leases = s.crashes AND operation_type = ANY(:types::text[])
              AND EXISTS (SELECT 1 FROM workers w WHERE w.id = :owner AND w.expires_at > db_now())
              AND NOT EXISTS (SELECT 1 FROM operations h WHERE h.tenant_id = :tenant_id AND h.connector_id = :connector_id
                              AND h.status = 'in_progress' AND h.crashed_leases > 0 AND h.owner = :owner)
              AND (s.crashes = 1 OR NOT EXISTS (
                  SELECT 1 FROM operations e WHERE e.tenant_id = :tenant_id AND e.connector_id = :connector_id
                    AND e.status = 'pending' AND e.head AND e.crashed_leases > 0 AND e.crashed_leases = 1))
            ORDER BY priority DESC, id LIMIT least(s.most, :limit) FOR UPDATE SKIP LOCKED) AS o))
    RETURNING {claimed}
),
{noted}
SELECT * FROM claimed

-- name: claim_due
-- Retries whose time has come, those of the emergency lane first: however many others are due, it waits behind none. Of
-- the others as many as there is room for.
-- moves: failed -> in_progress
WITH claimed AS (
    UPDATE operations SET status = 'in_progress', owner = :owner, epoch = epoch + 1, attempt_number = attempt_number + 1,
        next_retry_at = NULL, updated_at = db_now(), version = version + 1
    WHERE tenant_id = :tenant_id AND id = ANY(ARRAY(
        SELECT d.id FROM (
            SELECT e.id FROM (
                SELECT id FROM operations
                WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND rests = 'failed' AND head
                  AND priority >= 100 AND next_retry_at <= db_now() AND operation_type = ANY(:types::text[])
                  AND EXISTS (SELECT 1 FROM workers w WHERE w.id = :owner AND w.expires_at > db_now())
                ORDER BY next_retry_at LIMIT :limit FOR UPDATE SKIP LOCKED) AS e
            UNION ALL
            SELECT o.id FROM (
                SELECT id FROM operations
                WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND rests = 'failed' AND head
                  AND priority < 100 AND next_retry_at <= db_now() AND operation_type = ANY(:types::text[])
                  AND EXISTS (SELECT 1 FROM workers w WHERE w.id = :owner AND w.expires_at > db_now())
                ORDER BY next_retry_at LIMIT :others FOR UPDATE SKIP LOCKED) AS o) AS d
        LIMIT :limit))
    RETURNING {claimed}
),
{noted}
SELECT * FROM claimed

-- name: wake_due
-- Those that waited for their target for a moment only, and whose moment is over.
-- moves: awaiting_system -> pending
UPDATE operations SET status = 'pending', wait_reason = NULL, next_retry_at = NULL, ready_at = db_now(),
    updated_at = db_now(), version = version + 1
WHERE tenant_id = :tenant_id AND id = ANY(ARRAY(
    SELECT id FROM operations
    WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND rests = 'awaiting_system' AND head
      AND next_retry_at <= db_now() AND wait_reason = ANY(:reasons::text[])
    ORDER BY next_retry_at LIMIT :limit FOR UPDATE SKIP LOCKED))

-- name: wake_target
-- The target is back: whatever waited for it goes on.
-- moves: awaiting_system -> pending
UPDATE operations SET status = 'pending', wait_reason = NULL, next_retry_at = NULL, ready_at = db_now(),
    updated_at = db_now(), version = version + 1
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND rests = 'awaiting_system'
  AND wait_reason = ANY(:reasons::text[])

-- name: wake
-- A person decided: these go on.
-- moves: awaiting_system -> pending
UPDATE operations SET status = 'pending', wait_reason = NULL, next_retry_at = NULL, ready_at = db_now(),
    updated_at = db_now(), version = version + 1
WHERE tenant_id = :tenant_id AND rests = 'awaiting_system' AND id = ANY(ARRAY(
    SELECT o.id FROM operations o WHERE o.tenant_id = :tenant_id AND o.approval_id = :approval_id
      AND o.rests IS NOT NULL AND o.wait_reason = 'approval'
    UNION ALL
    SELECT o.id FROM operations o WHERE o.tenant_id = :tenant_id AND o.case_id = :case_id
      AND o.rests IS NOT NULL AND o.wait_reason = 'case'))
RETURNING id, connector_id

-- name: absorb
-- An account row that nobody owns turns out to be the object that an operation has just linked: its row gives way.
WITH d AS (SELECT * FROM unnest(:account_ids::uuid[], :connector_ids::uuid[], :uids::text[]) AS d(id, connector_id, uid)),
gone AS (
    DELETE FROM accounts a USING d
    WHERE a.tenant_id = :tenant_id AND a.connector_id = ANY(:connector_ids::uuid[]) AND a.uid = ANY(:uids::text[])
      AND a.connector_id = d.connector_id AND a.uid = d.uid AND a.id <> d.id
      AND a.identity_id IS NULL AND a.live = 0
    RETURNING a.id
)
DELETE FROM match_keys WHERE tenant_id = :tenant_id AND account_id = ANY(ARRAY(SELECT id FROM gone))

-- part: ended
-- What is over (done) is counted under the status that t says it ended in, and no longer among what lives.
ended AS (
    SELECT min(o.id::text COLLATE "C")::uuid AS id, max(o.id::text COLLATE "C")::uuid AS last_id,
        date_trunc('second', o.created_at) AS made_at, o.connector_id, o.operation_type, count(*) AS n
    FROM done o GROUP BY date_trunc('second', o.created_at), o.connector_id, o.operation_type
),
counted AS (
    INSERT INTO operation_counts (tenant_id, completed_day, id, last_id, made_at, connector_id, operation_type,
        status, n)
    SELECT :tenant_id, t.day, e.id, e.last_id, e.made_at, e.connector_id, e.operation_type, t.status, e.n
    FROM ended e, t
),
uncounted AS (
    INSERT INTO live_counts (tenant_id, made_at, connector_id, operation_type, n)
    SELECT :tenant_id, e.made_at, e.connector_id, e.operation_type, -e.n FROM ended e
)

-- name: complete
-- Move operations this owner still holds to the archive, each with its attempt, and take them off their lanes. Lanes
-- are locked in the order of their ids: the rows of accounts are read by their key, whose order that is.
-- Rows are found by their keys alone, whatever the statistics of a table say that was empty a moment ago.
-- moves: in_progress -> completed
WITH t AS MATERIALIZED (
    SELECT db_now() AS now, (db_now() AT TIME ZONE 'UTC')::date AS day, 'completed' AS status
),
done AS (
    DELETE FROM operations o
    USING unnest(:ids::uuid[], :epochs::integer[], :durations::integer[], :endings::text[], :uids::text[],
        :observed::jsonb[], :observed_active::boolean[], :observed_hashes::bigint[], :hooked::jsonb[],
        :matches::jsonb[], :gone::boolean[], :agrees::boolean[], :sent::jsonb[])
        AS d(id, epoch, duration_ms, ending, uid, observed, observed_active, observed_hash, hooked, match, gone,
             agrees, sent)
    WHERE o.tenant_id = :tenant_id AND o.id = ANY(:ids::uuid[]) AND o.id = d.id AND o.epoch = d.epoch
      AND o.owner IS NOT DISTINCT FROM :owner
    RETURNING o.id, o.connector_id, o.account_id, o.user_id, o.seq, o.operation_type, o.object_class, o.target_uid,
        o.priority, o.retry_count, o.max_retries, o.attempt_number, o.crashed_leases, o.payload, o.idempotency_key,
        o.epoch, o.origin, o.identity_version, o.mapping_version, o.run_id, o.correlation_id, o.discrepancy_id,
        o.case_id, o.approval_id, o.redrive_of, o.created_by, o.version, o.created_at, o.started_at,
        d.duration_ms, d.ending, d.uid, d.observed, d.observed_active, d.observed_hash, d.hooked, d.match, d.gone,
        d.agrees, d.sent
),
archived AS (
    INSERT INTO operations_archive (tenant_id, completed_day, id, connector_id, account_id, user_id, seq,
        operation_type, object_class, target_uid, status, priority, retry_count, max_retries, attempt_number,
        crashed_leases, payload, idempotency_key, epoch, origin, identity_version, mapping_version, run_id,
        correlation_id, discrepancy_id, case_id, approval_id, redrive_of, created_by, version, created_at, updated_at,
        started_at, completed_at, ending, is_counted)
    SELECT :tenant_id, t.day, o.id, o.connector_id, o.account_id, o.user_id, o.seq, o.operation_type, o.object_class,
        coalesce(o.uid, o.target_uid), t.status, o.priority, o.retry_count, o.max_retries, o.attempt_number,
        o.crashed_leases, o.payload, o.idempotency_key, o.epoch, o.origin, o.identity_version, o.mapping_version,
        o.run_id, o.correlation_id, o.discrepancy_id, o.case_id, o.approval_id, o.redrive_of, o.created_by,
        o.version + 1, o.created_at, t.now, o.started_at, t.now, o.ending, true
    FROM done o, t
),
{ended},
tried AS (
    INSERT INTO attempts (tenant_id, day, operation_id, attempt_number, epoch, started_at, completed_at, success,
        outcome, duration_ms, worker, sent)
    SELECT :tenant_id, t.day, o.id, o.attempt_number, o.epoch, t.now - make_interval(secs => o.duration_ms / 1000.0),
        t.now, true, coalesce(o.ending, 'done'), o.duration_ms, :owner, o.sent
    FROM done o, t
)
UPDATE accounts a SET
    live = a.live - 1,
    head_id = NULL,
    uid = CASE WHEN o.gone THEN NULL ELSE coalesce(o.uid, a.uid) END,
    state = CASE WHEN o.gone THEN 'dead' WHEN coalesce(o.uid, a.uid) IS NULL THEN a.state ELSE 'active' END,
    gone_at = CASE WHEN o.gone THEN t.now END,
    observed = CASE WHEN o.gone THEN NULL ELSE coalesce(o.observed, a.observed) END,
    observed_active = CASE WHEN o.gone THEN NULL ELSE coalesce(o.observed_active, a.observed_active) END,
    observed_hash = CASE WHEN o.gone THEN NULL ELSE coalesce(o.observed_hash, a.observed_hash) END,
    hooked = CASE WHEN o.gone THEN NULL ELSE coalesce(o.hooked, a.hooked) END,
    -- As wanted, and nothing else waits in the lane: a run need not look at it again while the target shows the same.
    agreed_hash = CASE WHEN o.agrees AND a.live = 1 THEN hash_record_extended(ROW(a.identity_id, a.wanted_hash,
        a.wanted_active, coalesce(o.hooked, a.hooked), coalesce(o.observed_hash, a.observed_hash), a.mapping_version,
        a.identity_version), 0) END,
    match = coalesce(o.match, a.match),
    last_change_at = CASE WHEN o.ending IS NULL THEN t.now ELSE a.last_change_at END,
    last_change_run = CASE WHEN o.ending IS NULL THEN o.run_id ELSE a.last_change_run END,
    last_change_operation = CASE WHEN o.ending IS NULL THEN o.id ELSE a.last_change_operation END,
    last_change_by = CASE WHEN o.ending IS NULL THEN o.created_by ELSE a.last_change_by END
FROM done o, t
WHERE a.tenant_id = :tenant_id AND a.id = ANY(:account_ids::uuid[]) AND a.id = o.account_id
RETURNING o.id, a.id AS account_id, a.live

-- name: promote
-- The next one of each of these lanes becomes its head. A statement of its own behind the one that took the head off:
-- that one waited for whoever was just adding to the lane, and only a later look sees what they added.
WITH t AS MATERIALIZED (SELECT db_now() AS now),
{following},
promoted AS (
    UPDATE operations o SET head = true, ready_at = t.now FROM t
    WHERE o.tenant_id = :tenant_id AND o.id = ANY(ARRAY(SELECT f.id FROM following f)) AND NOT o.head
)
{headed}
RETURNING a.id

-- name: promote_and_claim
-- As promote, and what could be claimed then is claimed with it: a version less of each row, and no look for it. What is
-- held for somebody, was in the hands of a process that died, or is of a type that we do not know, is promoted only, and
-- so is everything when our lease has run out.
-- moves: pending -> in_progress
WITH t AS MATERIALIZED (SELECT db_now() AS now),
{following},
claimed AS (
    UPDATE operations SET head = true, ready_at = t.now, {taken}
    FROM t
    WHERE tenant_id = :tenant_id AND id = ANY(ARRAY(SELECT f.id FROM following f)) AND NOT head
      AND crashed_leases = 0 AND status = 'pending' AND operation_type = ANY(:types::text[])
      AND EXISTS (SELECT 1 FROM workers w WHERE w.id = :owner AND w.expires_at > db_now())
    RETURNING {claimed}
),
{noted},
promoted AS (
    UPDATE operations o SET head = true, ready_at = t.now FROM t
    WHERE o.tenant_id = :tenant_id AND NOT o.head
      AND o.id = ANY(ARRAY(SELECT f.id FROM following f EXCEPT ALL SELECT c.id FROM claimed c))
),
lanes AS (
    {headed}
)
SELECT * FROM claimed

-- name: fail
-- The try failed and the next is scheduled; the lane stays closed.
-- moves: in_progress -> failed
WITH t AS (SELECT db_now() AS now, (db_now() AT TIME ZONE 'UTC')::date AS day),
failed AS (
    UPDATE operations o SET status = 'failed', retry_count = o.retry_count + 1, error_code = d.code,
        error_message = d.message, next_retry_at = t.now + make_interval(secs => d.delay_s), owner = NULL,
        updated_at = t.now, version = o.version + 1
    FROM ROWS FROM (unnest(:ids::uuid[]), unnest(:epochs::integer[]), unnest(:durations::integer[]),
                    unnest(:codes::text[]), unnest(:messages::text[]), unnest(:delays::float8[]),
                    unnest(:sent::jsonb[]), generate_subscripts(:ids::uuid[], 1))
        AS d(id, epoch, duration_ms, code, message, delay_s, sent, place), t
    WHERE o.tenant_id = :tenant_id AND o.id = ANY(:ids::uuid[]) AND o.id = d.id AND o.epoch = d.epoch
      AND o.owner IS NOT DISTINCT FROM :owner
    RETURNING o.id, o.attempt_number, o.epoch, d.duration_ms, d.code, d.message, d.sent
)
INSERT INTO attempts (tenant_id, day, operation_id, attempt_number, epoch, started_at, completed_at, success, outcome,
    error_code, error_message, duration_ms, worker, sent)
SELECT :tenant_id, t.day, o.id, o.attempt_number, o.epoch, t.now - make_interval(secs => o.duration_ms / 1000.0), t.now,
    false, 'failed', o.code, o.message, o.duration_ms, :owner, o.sent
FROM failed o, t
RETURNING operation_id AS id

-- name: park
-- Waits for something outside; no try is spent, the lane stays closed.
-- moves: in_progress -> awaiting_system
WITH t AS (SELECT db_now() AS now, (db_now() AT TIME ZONE 'UTC')::date AS day),
parked AS (
    UPDATE operations o SET status = 'awaiting_system', wait_reason = d.reason, error_code = d.code,
        error_message = d.message, case_id = coalesce(d.case_id, o.case_id), parks = o.parks + 1, owner = NULL,
        next_retry_at = t.now + make_interval(secs => d.delay_s), updated_at = t.now, version = o.version + 1
    FROM ROWS FROM (unnest(:ids::uuid[]), unnest(:epochs::integer[]), unnest(:durations::integer[]),
                    unnest(:reasons::text[]), unnest(:codes::text[]), unnest(:messages::text[]),
                    unnest(:case_ids::uuid[]), unnest(:delays::float8[]), generate_subscripts(:ids::uuid[], 1))
        AS d(id, epoch, duration_ms, reason, code, message, case_id, delay_s, place), t
    WHERE o.tenant_id = :tenant_id AND o.id = ANY(:ids::uuid[]) AND o.id = d.id AND o.epoch = d.epoch
      AND o.owner IS NOT DISTINCT FROM :owner
    RETURNING o.id, o.attempt_number, o.epoch, d.duration_ms, d.code, d.message
)
INSERT INTO attempts (tenant_id, day, operation_id, attempt_number, epoch, started_at, completed_at, success, outcome,
    error_code, error_message, duration_ms, worker)
SELECT :tenant_id, t.day, o.id, o.attempt_number, o.epoch, t.now - make_interval(secs => o.duration_ms / 1000.0), t.now,
    false, 'waits', o.code, o.message, o.duration_ms, :owner
FROM parked o, t
RETURNING operation_id AS id

-- name: undecided
-- Of these, those that an open transaction holds: perhaps a claim whose commit is still on its way. The others are kept
-- from it until the end of this transaction.
WITH free AS MATERIALIZED (
    SELECT id FROM operations WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[]) FOR UPDATE SKIP LOCKED
)
SELECT id FROM operations
WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[]) AND id <> ALL(ARRAY(SELECT id FROM free))

-- name: release
-- Put back: no try is spent and no attempt is written. One that was started may have reached its target, so its
-- number stays: the next try looks there first, and a newer plan is not merged into it.
-- moves: in_progress -> pending
UPDATE operations o SET status = 'pending', owner = NULL, ready_at = db_now(),
    attempt_number = o.attempt_number - CASE WHEN d.started THEN 0 ELSE 1 END, updated_at = db_now(),
    version = o.version + 1
FROM ROWS FROM (unnest(:ids::uuid[]), unnest(:epochs::integer[]), unnest(:started::boolean[]),
                generate_subscripts(:ids::uuid[], 1)) AS d(id, epoch, started, place)
WHERE o.tenant_id = :tenant_id AND o.id = ANY(:ids::uuid[]) AND o.id = d.id AND o.epoch = d.epoch
      AND o.owner IS NOT DISTINCT FROM :owner
RETURNING o.id

-- name: bury
-- Given up: a person must look. The lane opens.
-- moves: in_progress -> dead_letter
WITH t AS (SELECT db_now() AS now, (db_now() AT TIME ZONE 'UTC')::date AS day),
d AS (
    SELECT * FROM unnest(:ids::uuid[], :epochs::integer[], :durations::integer[], :codes::text[], :messages::text[],
        :sent::jsonb[])
    AS d(id, epoch, duration_ms, code, message, sent)
),
done AS (
    DELETE FROM operations o
    WHERE o.tenant_id = :tenant_id AND o.id = ANY(ARRAY(
        SELECT h.id FROM (
            SELECT id, epoch FROM operations
            WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[]) AND owner IS NOT DISTINCT FROM :owner FOR UPDATE) h
        WHERE ((h.id, h.epoch) IN (SELECT d.id, d.epoch FROM d)) IS TRUE))
    RETURNING o.*
),
buried AS (
    INSERT INTO dead_letters (tenant_id, id, connector_id, account_id, user_id, seq, operation_type, object_class,
        target_uid, status, priority, retry_count, max_retries, attempt_number, crashed_leases, parks, error_code,
        error_message, payload, secrets, idempotency_key, epoch, origin, identity_version, mapping_version, run_id,
        correlation_id, discrepancy_id, expected_hash, case_id, approval_id, redrive_of, created_by, version,
        created_at, updated_at, started_at, dead_at)
    SELECT :tenant_id, o.id, o.connector_id, o.account_id, o.user_id, o.seq, o.operation_type, o.object_class,
        o.target_uid, 'dead_letter', o.priority, o.retry_count, o.max_retries, o.attempt_number, o.crashed_leases,
        o.parks, d.code, d.message, o.payload, o.secrets, o.idempotency_key, o.epoch, o.origin, o.identity_version,
        o.mapping_version, o.run_id, o.correlation_id, o.discrepancy_id, o.expected_hash, o.case_id, o.approval_id,
        o.redrive_of, o.created_by, o.version + 1, o.created_at, t.now, o.started_at, t.now
    FROM done o JOIN d ON d.id = o.id, t
),
uncounted AS (
    INSERT INTO live_counts (tenant_id, made_at, connector_id, operation_type, n)
    SELECT :tenant_id, date_trunc('second', o.created_at), o.connector_id, o.operation_type, -count(*)
    FROM done o GROUP BY date_trunc('second', o.created_at), o.connector_id, o.operation_type
),
tried AS (
    INSERT INTO attempts (tenant_id, day, operation_id, attempt_number, epoch, started_at, completed_at, success,
        outcome, error_code, error_message, duration_ms, worker, sent)
    SELECT :tenant_id, t.day, o.id, o.attempt_number, o.epoch, t.now - make_interval(secs => d.duration_ms / 1000.0),
        t.now, false, 'dead_letter', d.code, d.message, d.duration_ms, :owner, d.sent
    FROM done o JOIN d ON d.id = o.id, t
),
following AS (
    SELECT a.id AS account_id, n.id FROM done o
    JOIN accounts a ON a.tenant_id = :tenant_id AND a.id = ANY(ARRAY(SELECT account_id FROM done))
        AND a.id = o.account_id AND a.live > 1
    CROSS JOIN LATERAL (
        SELECT b.id FROM operations b
        WHERE b.tenant_id = :tenant_id AND b.account_id = o.account_id AND NOT b.head ORDER BY b.seq LIMIT 1) n
),
promoted AS (
    UPDATE operations SET head = true, ready_at = db_now()
    WHERE tenant_id = :tenant_id AND id = ANY(ARRAY(SELECT id FROM following))
)
UPDATE accounts a SET live = a.live - 1, head_id = f.id
FROM done o LEFT JOIN following f ON f.account_id = o.account_id
WHERE a.tenant_id = :tenant_id AND a.id = ANY(ARRAY(SELECT account_id FROM done)) AND a.id = o.account_id
RETURNING o.id

-- name: cancel
-- What waits here is over, or, for an owner, what runs under the fence given; the lane's next one becomes its head.
-- moves: pending -> cancelled, failed -> cancelled, awaiting_system -> cancelled, in_progress -> cancelled
WITH t AS (SELECT db_now() AS now, (db_now() AT TIME ZONE 'UTC')::date AS day, 'cancelled' AS status),
done AS (
    DELETE FROM operations o USING unnest(:ids::uuid[], :epochs::integer[]) AS d(id, epoch)
    WHERE o.tenant_id = :tenant_id AND o.id = ANY(:ids::uuid[]) AND o.id = d.id
      AND CASE WHEN :owner::uuid IS NULL THEN o.status <> 'in_progress'
          ELSE o.status = 'in_progress' AND o.epoch = d.epoch AND o.owner IS NOT DISTINCT FROM :owner END
    RETURNING o.*
),
archived AS (
    INSERT INTO operations_archive (tenant_id, completed_day, id, connector_id, account_id, user_id, seq,
        operation_type, object_class, target_uid, status, priority, retry_count, max_retries, attempt_number,
        crashed_leases, error_code, error_message, payload, idempotency_key, epoch, origin, identity_version,
        mapping_version, run_id, correlation_id, discrepancy_id, case_id, approval_id, redrive_of, created_by, version,
        created_at, updated_at, started_at, completed_at, resolution_notes, resolved_by, resolved_at, is_counted)
    SELECT :tenant_id, t.day, o.id, o.connector_id, o.account_id, o.user_id, o.seq, o.operation_type, o.object_class,
        o.target_uid, t.status, o.priority, o.retry_count, o.max_retries, o.attempt_number, o.crashed_leases,
        o.error_code, o.error_message, o.payload, o.idempotency_key, o.epoch, o.origin, o.identity_version,
        o.mapping_version, o.run_id, o.correlation_id, o.discrepancy_id, o.case_id, o.approval_id, o.redrive_of,
        o.created_by, o.version + 1, o.created_at, t.now, o.started_at, t.now, :notes, :cancelled_by::uuid, t.now, true
    FROM done o, t
),
{ended},
freed AS (
    SELECT o.account_id, count(*) AS n, bool_or(o.head) AS was_head, CASE WHEN bool_or(o.head) THEN (
        SELECT b.id FROM operations b
        WHERE b.tenant_id = :tenant_id AND b.account_id = o.account_id AND NOT b.head AND b.id <> ALL(:ids::uuid[])
        ORDER BY b.seq LIMIT 1) END AS next_id
    FROM done o GROUP BY o.account_id
),
promoted AS (
    UPDATE operations SET head = true, ready_at = db_now()
    WHERE tenant_id = :tenant_id AND id = ANY(ARRAY(SELECT next_id FROM freed WHERE next_id IS NOT NULL))
),
lanes AS (
    UPDATE accounts a SET live = a.live - c.n, head_id = CASE WHEN c.was_head THEN c.next_id ELSE a.head_id END
    FROM freed c
    WHERE a.tenant_id = :tenant_id AND a.id = ANY(ARRAY(SELECT account_id FROM freed)) AND a.id = c.account_id
)
SELECT id, connector_id FROM done

-- name: request_cancel
-- A running one is asked to end: it is not tried again. What it has sent already is still written down.
UPDATE operations SET cancel_requested_by = :by, version = version + 1
WHERE tenant_id = :tenant_id AND id = :id AND status = 'in_progress'
RETURNING id

-- name: cancel_requested
SELECT id FROM operations
WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[]) AND cancel_requested_by IS NOT NULL

-- name: rescue
-- What expired owners held goes back, its crashed lease counted and an attempt written that says so. What this version
-- does not know is left to processes that do: only they can say whether to try it again.
-- moves: in_progress -> pending
WITH t AS (SELECT db_now() AS now, (db_now() AT TIME ZONE 'UTC')::date AS day),
lost AS (
    SELECT id, owner, updated_at FROM operations
    WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[]) AND status = 'in_progress' AND owner = ANY(:dead::uuid[])
      AND crashed_leases + 1 < :most AND operation_type = ANY(:types::text[]) FOR UPDATE SKIP LOCKED
),
back AS (
    UPDATE operations o SET status = 'pending', crashed_leases = o.crashed_leases + 1, owner = NULL, ready_at = t.now,
        error_code = 'lease_lost', error_message = 'The process that ran this stopped before it could say how it ended.',
        updated_at = t.now, version = o.version + 1
    FROM lost l, t WHERE o.tenant_id = :tenant_id AND o.id = ANY(ARRAY(SELECT id FROM lost)) AND o.id = l.id
    RETURNING o.id, o.connector_id, o.account_id, o.attempt_number, o.epoch, o.cancel_requested_by,
        l.owner AS lost_owner, l.updated_at AS lost_at
),
tried AS (
    INSERT INTO attempts (tenant_id, day, operation_id, attempt_number, epoch, started_at, completed_at, success,
        outcome, error_code, error_message, duration_ms, worker)
    SELECT :tenant_id, t.day, b.id, b.attempt_number, b.epoch, b.lost_at, t.now, false, 'lost', 'lease_lost',
        'The process that ran this stopped before it could say how it ended.',
        least(2147483647, extract(epoch FROM t.now - b.lost_at) * 1000)::integer, b.lost_owner
    FROM back b, t
)
SELECT id, connector_id, account_id, epoch, cancel_requested_by FROM back

-- name: crash_looping
-- Held by an expired owner for the third time: the operation itself may be what kills its workers.
SELECT id, epoch, owner, account_id, connector_id FROM operations
WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[]) AND status = 'in_progress' AND owner = ANY(:dead::uuid[])
  AND crashed_leases + 1 >= :most AND operation_type = ANY(:types::text[]) ORDER BY account_id

-- name: retry_now
-- moves: failed -> pending
UPDATE operations SET status = 'pending', retry_count = 0, next_retry_at = NULL, ready_at = db_now(),
    updated_at = db_now(), version = version + 1
WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[]) AND status = 'failed'
RETURNING id, connector_id

-- name: dead_letter_lanes
SELECT id, account_id, error_code FROM dead_letters WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[])

-- name: exhume
-- The same row goes back to work behind whatever its lane holds by now; its epoch goes on.
-- moves: dead_letter -> pending
WITH t AS (SELECT db_now() AS now),
back AS (
    DELETE FROM dead_letters d WHERE d.tenant_id = :tenant_id AND d.id = ANY(:ids::uuid[]) RETURNING d.*
),
placed AS (
    SELECT b.*, a.seq + row_number() OVER (PARTITION BY b.account_id ORDER BY b.seq) AS place,
        a.live = 0 AND row_number() OVER (PARTITION BY b.account_id ORDER BY b.seq) = 1 AS head
    FROM back b JOIN accounts a ON a.tenant_id = :tenant_id AND a.id = ANY(ARRAY(SELECT account_id FROM back))
        AND a.id = b.account_id
),
inserted AS (
    INSERT INTO operations (tenant_id, id, connector_id, account_id, user_id, seq, head, operation_type, object_class,
        target_uid, status, priority, retry_count, max_retries, attempt_number, crashed_leases, parks, payload, secrets,
        idempotency_key, epoch, origin, identity_version, mapping_version, run_id, correlation_id, discrepancy_id,
        expected_hash, case_id, approval_id, redrive_of, created_by, version, created_at, updated_at, started_at,
        ready_at)
    SELECT :tenant_id, b.id, b.connector_id, b.account_id, b.user_id, b.place, b.head, b.operation_type, b.object_class,
        b.target_uid, 'pending', b.priority, 0, b.max_retries, b.attempt_number, 0, 0, b.payload, b.secrets,
        b.idempotency_key, b.epoch, b.origin, b.identity_version, b.mapping_version, b.run_id, b.correlation_id,
        b.discrepancy_id, NULL, b.case_id, b.approval_id, b.redrive_of, b.created_by, b.version + 1, b.created_at,
        t.now, b.started_at, t.now
    FROM placed b, t
    RETURNING id, connector_id, account_id, user_id, head, seq, operation_type, created_at
),
counted AS (
    INSERT INTO live_counts (tenant_id, made_at, first_id, last_id, connector_id, operation_type, n)
    SELECT :tenant_id, date_trunc('second', i.created_at), min(i.id::text COLLATE "C")::uuid,
        max(i.id::text COLLATE "C")::uuid, i.connector_id, i.operation_type, count(*)
    FROM inserted i GROUP BY date_trunc('second', i.created_at), i.connector_id, i.operation_type
),
lanes AS (
    UPDATE accounts a SET live = a.live + i.n, seq = i.last_seq, head_id = coalesce(a.head_id, i.head_id),
        has_others = a.has_others OR EXISTS (
            SELECT 1 FROM unnest(i.user_ids) AS u(id) WHERE coalesce(u.id <> a.identity_id, u.id IS NOT NULL))
    FROM (SELECT account_id, count(*) AS n, max(seq) AS last_seq, array_agg(user_id) AS user_ids,
                 (array_agg(id) FILTER (WHERE head))[1] AS head_id FROM inserted GROUP BY account_id) i
    WHERE a.tenant_id = :tenant_id AND a.id = ANY(ARRAY(SELECT account_id FROM inserted)) AND a.id = i.account_id
)
SELECT id, connector_id FROM inserted

-- name: resolve
-- A person closes a dead letter.
-- moves: dead_letter -> resolved
WITH t AS (SELECT db_now() AS now, (db_now() AT TIME ZONE 'UTC')::date AS day),
gone AS (DELETE FROM dead_letters d WHERE d.tenant_id = :tenant_id AND d.id = ANY(:ids::uuid[]) RETURNING d.*),
counted AS (
    INSERT INTO operation_counts (tenant_id, completed_day, id, last_id, made_at, connector_id, operation_type,
        status, n)
    SELECT :tenant_id, t.day, min(o.id::text COLLATE "C")::uuid, max(o.id::text COLLATE "C")::uuid,
        date_trunc('second', o.created_at), o.connector_id, o.operation_type, 'resolved', count(*)
    FROM gone o, t
    GROUP BY t.day, date_trunc('second', o.created_at), o.connector_id, o.operation_type
)
INSERT INTO operations_archive (tenant_id, completed_day, id, connector_id, account_id, user_id, seq, operation_type,
    object_class, target_uid, status, priority, retry_count, max_retries, attempt_number, crashed_leases, error_code,
    error_message, payload, idempotency_key, epoch, origin, identity_version, mapping_version, run_id, correlation_id,
    discrepancy_id, case_id, approval_id, redrive_of, created_by, version, created_at, updated_at, started_at,
    completed_at, resolution_notes, resolved_by, resolved_at, is_counted)
SELECT :tenant_id, t.day, o.id, o.connector_id, o.account_id, o.user_id, o.seq, o.operation_type, o.object_class,
    o.target_uid, 'resolved', o.priority, o.retry_count, o.max_retries, o.attempt_number, o.crashed_leases,
    o.error_code, o.error_message, o.payload, o.idempotency_key, o.epoch, o.origin, o.identity_version,
    o.mapping_version, o.run_id, o.correlation_id, o.discrepancy_id, o.case_id, o.approval_id, o.redrive_of,
    o.created_by, o.version + 1, o.created_at, t.now, o.started_at, t.now, :notes, :resolved_by::uuid, t.now, true
FROM gone o, t
RETURNING id

-- name: log
INSERT INTO operation_logs (tenant_id, day, operation_id, id, at, level, message)
SELECT :tenant_id, (db_now() AT TIME ZONE 'UTC')::date, l.operation_id, l.id, db_now(), l.level, l.message
FROM unnest(:operation_ids::uuid[], :ids::uuid[], :levels::text[], :messages::text[])
    AS l(operation_id, id, level, message)

-- name: live
SELECT * FROM operations WHERE tenant_id = :tenant_id AND id = :id

-- name: dead
SELECT * FROM dead_letters WHERE tenant_id = :tenant_id AND id = :id

-- name: archived
SELECT * FROM operations_archive WHERE tenant_id = :tenant_id AND id = :id

-- name: idempotent
-- Who comes with a key that somebody uses at this moment waits for them. A key that is over counts as new, whether it
-- was cleared away or not; the key of what is not done yet is not over.
INSERT INTO idempotency_keys (tenant_id, key, body_hash, operation_id, created_at)
SELECT :tenant_id, :key, :body_hash, :operation_id, t.now FROM (SELECT db_now() AS now) t
ON CONFLICT (tenant_id, key) DO UPDATE SET body_hash = EXCLUDED.body_hash, operation_id = EXCLUDED.operation_id,
    created_at = EXCLUDED.created_at
WHERE idempotency_keys.created_at < db_now() - interval '7 days'
  AND NOT EXISTS (SELECT 1 FROM operations o WHERE o.tenant_id = :tenant_id AND o.id = idempotency_keys.operation_id)
  AND NOT EXISTS (SELECT 1 FROM dead_letters d WHERE d.tenant_id = :tenant_id AND d.id = idempotency_keys.operation_id)

-- name: idempotency_key
SELECT body_hash, operation_id FROM idempotency_keys WHERE tenant_id = :tenant_id AND key = :key
