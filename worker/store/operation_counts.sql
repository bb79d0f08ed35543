-- part: folded
-- Into which time a second is folded: into its hour when few were made in that; into its minute when not very many were,
-- for under load for weeks the seconds would become many themselves; or it stays. Only when
-- the time is over, for then it is known how many were made in it.
CASE WHEN c.hours <= :few::bigint AND date_trunc('hour', c.made_at, 'UTC') + interval '1 hour' < db_now() THEN 3600
    WHEN c.minutes <= 4 * :few AND date_trunc('minute', c.made_at) + interval '1 minute' < db_now() THEN 60 ELSE 1 END

-- part: folded_at
CASE s.seconds WHEN 3600 THEN date_trunc('hour', s.made_at, 'UTC') WHEN 60 THEN date_trunc('minute', s.made_at)
    ELSE s.made_at END

-- name: days
-- Days of which rows would become one, by the same rule as below, and back so many days: a crowd keeps its minutes for
-- good, and is left in peace.
WITH made AS (
    SELECT c.completed_day, date_trunc('minute', c.made_at) AS minute, sum(c.n) AS n,
        sum(c.n) FILTER (WHERE c.seconds <= 60) AS few
    FROM operation_counts c
    WHERE c.tenant_id = :tenant_id AND c.completed_day >= (db_now() AT TIME ZONE 'UTC')::date - :back::integer
    GROUP BY c.completed_day, 2
),
living AS (
    SELECT date_trunc('minute', l.made_at) AS minute, sum(l.n) AS n, sum(l.n) FILTER (WHERE l.seconds <= 60) AS few
    FROM live_counts l WHERE l.tenant_id = :tenant_id GROUP BY 1
),
living_hours AS (
    SELECT date_trunc('hour', v.minute, 'UTC') AS hour, sum(v.n) AS n FROM living v GROUP BY 1
),
crowds AS (
    SELECT m.completed_day, m.minute, coalesce(m.few, 0) + coalesce(v.few, 0) AS minutes,
        sum(m.n) OVER (PARTITION BY m.completed_day, date_trunc('hour', m.minute, 'UTC')) + coalesce(h.n, 0) AS hours
    FROM made m LEFT JOIN living v ON v.minute = m.minute
    LEFT JOIN living_hours h ON h.hour = date_trunc('hour', m.minute, 'UTC')
),
sorted AS (
    SELECT c.completed_day, c.made_at, c.connector_id, c.operation_type, c.status,
        greatest(c.seconds, {folded}) AS seconds
    FROM (
        SELECT f.*, w.minutes, w.hours FROM operation_counts f
        JOIN crowds w ON w.completed_day = f.completed_day AND w.minute = date_trunc('minute', f.made_at)
        WHERE f.tenant_id = :tenant_id
          AND f.completed_day >= (db_now() AT TIME ZONE 'UTC')::date - :back) AS c
)
SELECT DISTINCT k.completed_day FROM (
    SELECT s.completed_day FROM sorted s
    GROUP BY s.completed_day, s.seconds, {folded_at}, s.connector_id, s.operation_type, s.status
    HAVING count(*) > 1) AS k

-- name: fold
-- Rows of one kind become one. Whoever else folds now has other rows; a reader sees those before, or the one after.
-- What lives counts where it was made in an hour of this day's.
WITH made AS (
    SELECT date_trunc('minute', m.made_at) AS minute, m.seconds, sum(m.n) AS n FROM (
        SELECT f.made_at, f.seconds, f.n FROM operation_counts f WHERE f.tenant_id = :tenant_id AND f.completed_day = :day::date
        UNION ALL
        SELECT l.made_at, l.seconds, l.n FROM live_counts l
        WHERE l.tenant_id = :tenant_id AND date_trunc('hour', l.made_at, 'UTC') IN (
            SELECT date_trunc('hour', f.made_at, 'UTC') FROM operation_counts f
            WHERE f.tenant_id = :tenant_id AND f.completed_day = :day)) AS m
    GROUP BY 1, 2
),
crowds AS (
    SELECT m.minute, sum(sum(m.n) FILTER (WHERE m.seconds <= 60)) OVER (PARTITION BY m.minute) AS minutes,
        sum(sum(m.n)) OVER (PARTITION BY date_trunc('hour', m.minute, 'UTC')) AS hours
    FROM made m GROUP BY m.minute
),
sorted AS (
    SELECT c.id, c.made_at, c.connector_id, c.operation_type, c.status, greatest(c.seconds, {folded}) AS seconds
    FROM (
        SELECT f.*, w.minutes, w.hours FROM operation_counts f
        JOIN crowds w ON w.minute = date_trunc('minute', f.made_at)
        WHERE f.tenant_id = :tenant_id AND f.completed_day = :day) AS c
),
placed AS (
    SELECT s.id, s.seconds, {folded_at} AS made_at, count(*) OVER (
        PARTITION BY s.seconds, {folded_at}, s.connector_id, s.operation_type, s.status) AS alike
    FROM sorted s
),
taken AS (
    DELETE FROM operation_counts c
    WHERE c.tenant_id = :tenant_id AND c.completed_day = :day AND c.id = ANY(ARRAY(
        SELECT f.id FROM operation_counts f WHERE f.tenant_id = :tenant_id AND f.completed_day = :day AND f.id = ANY(ARRAY(
            SELECT p.id FROM placed p WHERE p.alike > 1 ORDER BY p.made_at, p.id LIMIT :limit))
        FOR UPDATE SKIP LOCKED))
    RETURNING c.*
)
INSERT INTO operation_counts (tenant_id, completed_day, id, last_id, made_at, seconds, connector_id, operation_type,
    status, n)
SELECT :tenant_id, :day, min(k.id::text COLLATE "C")::uuid, max(k.last_id::text COLLATE "C")::uuid, p.made_at,
    p.seconds, k.connector_id, k.operation_type, k.status, sum(k.n)
FROM taken k JOIN placed p ON p.id = k.id GROUP BY p.made_at, p.seconds, k.connector_id, k.operation_type, k.status

-- name: fold_living
-- The same for what lives; what came and went leaves nothing, once all of its kind is taken at once: what is left of it
-- may be what others are found by.
WITH crowds AS (
    SELECT m.minute, sum(m.few) OVER (PARTITION BY m.minute) AS minutes,
        sum(m.n) OVER (PARTITION BY date_trunc('hour', m.minute, 'UTC')) AS hours
    FROM (
        SELECT date_trunc('minute', l.made_at) AS minute, sum(l.n) AS n, sum(l.n) FILTER (WHERE l.seconds <= 60) AS few
        FROM live_counts l WHERE l.tenant_id = :tenant_id GROUP BY 1) AS m
),
sorted AS (
    SELECT c.id, c.made_at, c.connector_id, c.operation_type, greatest(c.seconds, {folded}) AS seconds
    FROM (
        SELECT f.*, w.minutes, w.hours FROM live_counts f JOIN crowds w ON w.minute = date_trunc('minute', f.made_at)
        WHERE f.tenant_id = :tenant_id) AS c
),
placed AS (
    SELECT s.id, s.seconds, {folded_at} AS made_at, count(*) OVER (
        PARTITION BY s.seconds, {folded_at}, s.connector_id, s.operation_type) AS alike
    FROM sorted s
),
taken AS (
    DELETE FROM live_counts c
    WHERE c.tenant_id = :tenant_id AND c.id = ANY(ARRAY(
        SELECT f.id FROM live_counts f WHERE f.tenant_id = :tenant_id AND f.id = ANY(ARRAY(
            SELECT p.id FROM placed p WHERE p.alike > 1 ORDER BY p.made_at, p.id LIMIT :limit))
        FOR UPDATE SKIP LOCKED))
    RETURNING c.*
)
INSERT INTO live_counts (tenant_id, made_at, seconds, first_id, last_id, connector_id, operation_type, n)
SELECT :tenant_id, p.made_at, p.seconds, min(k.first_id::text COLLATE "C")::uuid, max(k.last_id::text COLLATE "C")::uuid,
    k.connector_id, k.operation_type, sum(k.n)
FROM taken k JOIN placed p ON p.id = k.id GROUP BY p.made_at, p.seconds, k.connector_id, k.operation_type
HAVING sum(k.n) <> 0 OR count(*) <> max(p.alike)

-- name: alone
-- Whether nobody else sets this tenant's counts right at this moment; holds until the transaction ends.
SELECT pg_try_advisory_xact_lock(uuid_hash_extended(:tenant_id::uuid, 4711002))

-- name: recount
-- What is missing between what lives and what is counted, of a whole hour: lists look at its rows one by one where a
-- time ends within it. One statement sees both at one moment, so whatever comes and goes meanwhile is in both or in
-- neither.
WITH actual AS (
    SELECT date_trunc('hour', o.created_at, 'UTC') AS made_at, o.connector_id, o.operation_type, count(*) AS n,
        min(o.id::text COLLATE "C")::uuid AS first_id, max(o.id::text COLLATE "C")::uuid AS last_id
    FROM operations o WHERE o.tenant_id = :tenant_id GROUP BY 1, 2, 3
),
known AS (
    SELECT date_trunc('hour', c.made_at, 'UTC') AS made_at, c.connector_id, c.operation_type, sum(c.n) AS n
    FROM live_counts c WHERE c.tenant_id = :tenant_id GROUP BY 1, 2, 3
)
INSERT INTO live_counts (tenant_id, made_at, seconds, first_id, last_id, connector_id, operation_type, n)
SELECT :tenant_id, made_at, 3600, a.first_id, a.last_id, connector_id, operation_type, coalesce(a.n, 0) - coalesce(k.n, 0)
FROM actual a FULL JOIN known k USING (made_at, connector_id, operation_type)
WHERE coalesce(a.n, 0) <> coalesce(k.n, 0)

-- name: find_others
-- What a process of the step before did not note: accounts that hold operations of other people than their owner. Locked
-- in the order in which whoever works on lanes locks them; those that somebody works on come later.
UPDATE accounts SET has_others = true
WHERE tenant_id = :tenant_id AND id = ANY(ARRAY(
    SELECT a.id FROM accounts a
    WHERE a.tenant_id = :tenant_id AND a.live > 0 AND NOT a.has_others AND EXISTS (
        SELECT 1 FROM operations o WHERE o.tenant_id = :tenant_id AND o.account_id = a.id
          AND o.user_id IS NOT NULL AND o.user_id IS DISTINCT FROM a.identity_id)
    ORDER BY a.id LIMIT :limit FOR UPDATE OF a SKIP LOCKED))

-- name: tenants
-- The next few behind one.
SELECT id FROM tenants WHERE :after::uuid IS NULL OR id > :after ORDER BY id LIMIT :limit
