"""What must be true of a database of ours whatever happened to its processes: each rule is a query that finds nothing.

``broken`` looks at one moment, beside whatever runs; ``is_at_rest`` adds what holds once nobody works any more.
``watch`` writes down every move of every operation as it is made; then the whole history is judged, not the moment.

All of it as superuser, or as another role that row-level security does not bind, for rules look at all tenants. History
that was dropped with its day is not missed where the operation went with it.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg

from worker.domain.operation import MAX_CRASHED_LEASES, MOVES, OperationStatus

Connection: TypeAlias = "asyncpg.Connection[Any]"

#: Of each rule so many offenders are told.
TOLD = 5


@dataclass(frozen=True, slots=True)
class Rule:
    """One sentence that must hold, and the query of what offends it: one text column."""

    name: str
    query: str


_KEPT = "tenant_id, id, status, epoch, idempotency_key"
#: Every operation where it is now, with the state it has there; every attempt beside the one before it.
HOMES = f"""
homes AS (
    SELECT {_KEPT}, 'live' AS home FROM operations
    UNION ALL SELECT {_KEPT}, 'dead' FROM dead_letters
    UNION ALL SELECT {_KEPT}, 'archive' FROM operations_archive
),
tries AS (
    SELECT tenant_id, operation_id, epoch, attempt_number, success, outcome, worker, day,
        lag(epoch) OVER w AS epoch_before, lag(attempt_number) OVER w AS number_before,
        lag(success) OVER w AS success_before, lead(epoch) OVER w IS NULL AS is_last
    FROM attempts WINDOW w AS (PARTITION BY tenant_id, operation_id ORDER BY epoch, day)
)
"""

#: Of rows, at every moment.
ROWS = (
    # where operations are
    Rule("an operation is in one place", "SELECT id::text FROM homes GROUP BY tenant_id, id HAVING count(*) > 1"),
    Rule(
        "what is over is in the archive, and nothing else is",
        """
        SELECT format('%s is %s in %s', id, status, home) FROM homes
        WHERE home <> CASE WHEN status IN ('completed', 'resolved', 'cancelled') THEN 'archive'
                           WHEN status = 'dead_letter' THEN 'dead' ELSE 'live' END""",
    ),
    Rule(
        "one key is one operation",
        """
        SELECT idempotency_key FROM homes WHERE idempotency_key IS NOT NULL
        GROUP BY tenant_id, idempotency_key HAVING count(*) > 1""",
    ),
    Rule(
        "a key that was answered has its operation",
        """
        SELECT k.key FROM idempotency_keys k
        WHERE NOT EXISTS (SELECT 1 FROM homes h WHERE h.tenant_id = k.tenant_id AND h.id = k.operation_id)""",
    ),
    # lanes
    Rule(
        "a lane counts what is in it",
        """
        SELECT format('account %s counts %s and has %s', a.id, a.live, count(o.id)) FROM accounts a
        LEFT JOIN operations o ON o.tenant_id = a.tenant_id AND o.account_id = a.id
        GROUP BY a.tenant_id, a.id HAVING a.live <> count(o.id)""",
    ),
    Rule(
        "a lane with anything in it has one head, and an empty one none",
        """
        SELECT format('account %s has %s of %s at its head', a.id, count(o.id) FILTER (WHERE o.head), count(o.id))
        FROM accounts a LEFT JOIN operations o ON o.tenant_id = a.tenant_id AND o.account_id = a.id
        GROUP BY a.tenant_id, a.id HAVING count(o.id) FILTER (WHERE o.head) <> least(count(o.id), 1)""",
    ),
    Rule(
        "the account knows its head",
        """
        SELECT format('account %s names %s, its head is %s', a.id, a.head_id, o.id) FROM accounts a
        LEFT JOIN operations o ON o.tenant_id = a.tenant_id AND o.account_id = a.id AND o.head
        WHERE a.head_id IS DISTINCT FROM o.id""",
    ),
    Rule(
        "the head is the oldest of its lane",
        """
        SELECT format('%s is before the head %s', o.id, h.id) FROM operations h
        JOIN operations o ON o.tenant_id = h.tenant_id AND o.account_id = h.account_id AND o.id <> h.id
        WHERE h.head AND o.seq <= h.seq""",
    ),
    Rule(
        "no place of a lane is given out twice, nor one beyond its count",
        """
        SELECT format('%s has place %s of %s', o.id, o.seq, a.seq) FROM operations o
        JOIN accounts a ON a.tenant_id = o.tenant_id AND a.id = o.account_id WHERE o.seq > a.seq OR o.seq < 1""",
    ),
    Rule(
        "one of a lane runs at a time, and it is the head",
        """
        SELECT id::text FROM operations WHERE status IN ('in_progress', 'failed') AND NOT head""",
    ),
    Rule(
        "an operation has its account and its target, of its tenant",
        """
        SELECT o.id::text FROM operations o
        LEFT JOIN accounts a ON a.tenant_id = o.tenant_id AND a.id = o.account_id
        LEFT JOIN connectors c ON c.tenant_id = o.tenant_id AND c.id = o.connector_id
        WHERE a.id IS NULL OR c.id IS NULL OR a.connector_id <> o.connector_id""",
    ),
    Rule(
        "an account that holds operations of another than its owner says so",
        """
        SELECT format('%s of %s in account %s of %s', o.id, o.user_id, a.id, a.identity_id) FROM operations o
        JOIN accounts a ON a.tenant_id = o.tenant_id AND a.id = o.account_id
        WHERE o.user_id IS NOT NULL AND o.user_id IS DISTINCT FROM a.identity_id AND NOT a.has_others""",
    ),
    # counts
    Rule(
        "what lives is what is counted of it, in each hour, of each kind",
        """
        SELECT format('%s live of %s %s made at %s, counted are %s', coalesce(o.n, 0), operation_type, connector_id,
                      made_hour, coalesce(k.n, 0))
        FROM (SELECT tenant_id, connector_id, operation_type, date_trunc('hour', created_at, 'UTC') AS made_hour,
                     count(*) AS n FROM operations GROUP BY 1, 2, 3, 4) o
        FULL JOIN (SELECT tenant_id, connector_id, operation_type, date_trunc('hour', made_at, 'UTC') AS made_hour,
                     sum(n) AS n FROM live_counts GROUP BY 1, 2, 3, 4) k
            USING (tenant_id, connector_id, operation_type, made_hour)
        WHERE coalesce(o.n, 0) <> coalesce(k.n, 0)""",
    ),
    Rule(
        "what ended is what is counted of it, on each day, in each hour, of each kind",
        """
        SELECT format('%s %s %s %s made at %s, counted are %s', coalesce(o.n, 0), status, operation_type, connector_id,
                      made_hour, coalesce(k.n, 0))
        FROM (SELECT tenant_id, completed_day, connector_id, operation_type, status,
                     date_trunc('hour', created_at, 'UTC') AS made_hour, count(*) AS n
              FROM operations_archive WHERE is_counted GROUP BY 1, 2, 3, 4, 5, 6) o
        FULL JOIN (SELECT tenant_id, completed_day, connector_id, operation_type, status,
                     date_trunc('hour', made_at, 'UTC') AS made_hour, sum(n) AS n
                   FROM operation_counts GROUP BY 1, 2, 3, 4, 5, 6) k
            USING (tenant_id, completed_day, connector_id, operation_type, status, made_hour)
        WHERE coalesce(o.n, 0) <> coalesce(k.n, 0)""",
    ),
    # shape of a row
    Rule(
        "who runs has an owner and a fence, and nobody else has an owner",
        """
        SELECT format('%s is %s under %s, epoch %s', id, status, owner, epoch) FROM operations
        WHERE (status = 'in_progress') <> (owner IS NOT NULL) OR (status = 'in_progress' AND epoch < 1)""",
    ),
    Rule(
        "what runs is noted as claimed by its owner",
        """
        SELECT format('%s under %s', o.id, o.owner) FROM operations o
        WHERE o.status = 'in_progress' AND NOT EXISTS (
            SELECT 1 FROM claims c
            WHERE c.tenant_id = o.tenant_id AND c.owner = o.owner AND o.id = ANY(c.operation_ids))""",
    ),
    Rule(
        "who failed knows when it is tried again",
        "SELECT id::text FROM operations WHERE status = 'failed' AND next_retry_at IS NULL",
    ),
    Rule(
        "who waits says for what, and nobody else does",
        """
        SELECT format('%s is %s for %s', id, status, wait_reason) FROM operations
        WHERE (status = 'awaiting_system') <> (wait_reason IS NOT NULL)""",
    ),
    Rule(
        "tries are bounded",
        f"""
        SELECT format('%s: retry %s of %s, %s crashes', id, retry_count, max_retries, crashed_leases) FROM operations
        WHERE retry_count > max_retries OR crashed_leases >= {MAX_CRASHED_LEASES} OR attempt_number < 0""",
    ),
    Rule(
        "a try is counted when it is claimed",
        """
        SELECT format('%s: try %s under epoch %s', id, attempt_number, epoch) FROM operations
        WHERE attempt_number > epoch OR (status IN ('in_progress', 'failed') AND attempt_number < 1)""",
    ),
    # history
    Rule(
        "an attempt is of an operation that is there",
        """
        SELECT format('%s epoch %s', t.operation_id, t.epoch) FROM attempts t
        WHERE NOT EXISTS (SELECT 1 FROM homes h WHERE h.tenant_id = t.tenant_id AND h.id = t.operation_id)""",
    ),
    Rule(
        "one claim is one attempt at most, and each counts on",
        """
        SELECT format('%s: try %s of epoch %s after try %s of epoch %s', operation_id, attempt_number, epoch,
                      number_before, epoch_before)
        FROM tries WHERE epoch <= epoch_before OR attempt_number <= number_before""",
    ),
    Rule(
        "nothing is tried once it succeeded",
        "SELECT format('%s epoch %s', operation_id, epoch) FROM tries WHERE success_before",
    ),
    Rule(
        "no attempt is of a claim to come",
        """
        SELECT format('%s: attempt of epoch %s, epoch is %s', h.id, t.epoch, h.epoch) FROM homes h
        JOIN tries t ON t.tenant_id = h.tenant_id AND t.operation_id = h.id AND t.is_last
        WHERE t.epoch > h.epoch OR (t.epoch = h.epoch AND h.status = 'in_progress')""",
    ),
    Rule(
        "what completed, and only that, has an attempt that succeeded, of its last claim",
        """
        SELECT format('%s is %s, epoch %s; it succeeded in %s', h.id, h.status, h.epoch, t.epoch) FROM homes h
        LEFT JOIN tries t ON t.tenant_id = h.tenant_id AND t.operation_id = h.id AND t.success
        WHERE (h.status = 'completed') <> (t.epoch IS NOT NULL) OR t.epoch <> h.epoch""",
    ),
    Rule(
        "what failed or was given up after a try has an attempt that says so",
        """
        SELECT format('%s is %s, epoch %s; its last attempt is %s of %s', h.id, h.status, h.epoch, t.outcome, t.epoch)
        FROM homes h LEFT JOIN tries t ON t.tenant_id = h.tenant_id AND t.operation_id = h.id AND t.epoch = h.epoch
        WHERE h.status IN ('failed', 'dead_letter') AND h.epoch > 0 AND t.outcome IS DISTINCT FROM h.status""",
    ),
    Rule(
        "operations of one account complete in their order",
        """
        SELECT format('%s, place %s, completed after place %s', id, seq, seq_before) FROM (
            SELECT id, seq, lag(seq) OVER (PARTITION BY tenant_id, account_id ORDER BY completed_at, seq) AS seq_before
            FROM operations_archive WHERE status = 'completed') c
        WHERE seq < seq_before""",
    ),
    # audit
    Rule(
        "the audit chain has no gap and no second end",
        """
        SELECT format('%s entry %s', tenant_id, n) FROM (
            SELECT tenant_id, n, prev_hash, lag(hash) OVER w AS hash_before, lag(n, 1, 0::bigint) OVER w AS n_before
            FROM audit WINDOW w AS (PARTITION BY tenant_id ORDER BY n)) e
        WHERE n <> n_before + 1 OR prev_hash <> hash_before""",
    ),
)

#: Of tables, roles and rights.
RIGHTS = (
    Rule(
        "every table of tenants' rows is closed to whoever is not told whose",
        """
        SELECT c.oid::regclass::text FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'due_work'
          AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('operations'))
          AND NOT (c.relrowsecurity AND c.relforcerowsecurity
                   AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid
                               AND pg_get_expr(p.polqual, p.polrelid) LIKE '%app.tenant_id%'))""",
    ),
    Rule(
        "nobody reaches a partition past its table",
        """
        SELECT format('%s: %s', grantee, table_name) FROM information_schema.role_table_grants g
        JOIN pg_class c ON c.oid = to_regclass(quote_ident(g.table_name)) AND c.relispartition
        WHERE grantee LIKE 'provisiond%' AND grantee <> 'provisiond_owner'""",
    ),
    Rule(
        "the daemon's role owns nothing and bypasses nothing",
        """
        SELECT rolname::text FROM pg_roles r WHERE rolname = 'provisiond_worker' AND (rolsuper OR rolbypassrls
            OR rolcreaterole OR rolcreatedb OR EXISTS (SELECT 1 FROM pg_class c WHERE c.relowner = r.oid))""",
    ),
    Rule(
        "the daemon's role cannot rewrite history",
        """
        SELECT format('%s %s', p.privilege, t.name)
        FROM unnest(ARRAY['operations_archive', 'attempts', 'operation_logs', 'audit']) t(name),
            unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) p(privilege)
        WHERE has_table_privilege('provisiond_worker', t.name, p.privilege)""",
    ),
    Rule("no index is broken", "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"),
)
ALWAYS = ROWS + RIGHTS

#: Holds at every moment of whoever takes each step whole; a daemon that has looked and not yet settled may not.
ASKED = Rule(
    "what could be done now at an open target is done, or somebody will look",
    """
    SELECT format('%s is %s; target %s is looked at %s', o.id, o.status, o.connector_id, w.due_at)
    FROM operations o JOIN connectors c ON c.tenant_id = o.tenant_id AND c.id = o.connector_id
    LEFT JOIN due_work w ON w.tenant_id = o.tenant_id AND w.kind = 'claim' AND w.ref_id = o.connector_id
    WHERE o.head AND (o.status = 'pending' OR o.next_retry_at IS NOT NULL)
      AND c.status = 'active' AND c.breaker_state = 'closed'
      AND (c.baseline_at IS NOT NULL OR c.settings @> '{"require_baseline": false}')
      AND coalesce(w.due_at, 'infinity')
          > CASE WHEN o.status = 'pending' THEN db_now() ELSE greatest(o.next_retry_at, db_now()) END""",
)

AT_REST = (
    Rule(
        "nobody who is gone holds anything",
        """
        SELECT format('%s under %s', o.id, o.owner) FROM operations o WHERE o.status = 'in_progress'
          AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = o.owner AND w.expires_at > db_now())""",
    ),
    Rule("nothing is held", "SELECT format('%s under %s', id, owner) FROM operations WHERE status = 'in_progress'"),
    ASKED,
    Rule(
        "no transaction is left open",
        """
        SELECT format('%s %s since %s', application_name, pid, state_change) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'provisiond%' AND pid <> pg_backend_pid()
          AND state LIKE 'idle in transaction%' AND clock_timestamp() - state_change > interval '5 seconds'""",
    ),
    Rule(
        "no lock is left",
        """
        SELECT format('%s holds %s', l.pid, l.mode) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
        WHERE l.locktype = 'advisory' AND d.datname = current_database()""",
    ),
    Rule("no transaction is prepared and forgotten", "SELECT gid FROM pg_prepared_xacts"),
)

#: What happened, told by triggers: two rows that leave and enter in one transaction are one move.
MOVED = """
told AS (
    SELECT *, lead(kind) OVER w AS next_kind, lead(xid) OVER w AS next_xid, lead(after) OVER w AS next_after,
        lead(epoch_after) OVER w AS next_epoch, lag(kind) OVER w AS kind_before, lag(xid) OVER w AS xid_before
    FROM watched.events WINDOW w AS (PARTITION BY tenant_id, operation_id ORDER BY n)
),
moved AS (
    SELECT n, tenant_id, operation_id, account_id, seq, owner_before, owner_after, before, epoch_before,
        CASE WHEN kind = 'DELETE' AND next_kind = 'INSERT' AND next_xid = xid THEN next_after ELSE after END AS after,
        CASE WHEN kind = 'DELETE' AND next_kind = 'INSERT' AND next_xid = xid THEN next_epoch ELSE epoch_after END
            AS epoch_after
    FROM told WHERE NOT (kind = 'INSERT' AND kind_before IS NOT DISTINCT FROM 'DELETE' AND xid_before = xid)
),
legal AS (SELECT * FROM unnest($1::text[], $2::text[]) l(before, after))
"""

WATCHED = (
    Rule(
        "no operation vanishes",
        """
        SELECT format('%s was %s', operation_id, before) FROM moved
        WHERE after IS NULL AND before NOT IN ('completed', 'resolved', 'cancelled')""",
    ),
    Rule(
        "an operation is born once, waiting or refused",
        """
        SELECT format('%s as %s', operation_id, after) FROM moved
        WHERE before IS NULL AND (after NOT IN ('pending', 'awaiting_system', 'dead_letter') OR epoch_after <> 0)
        UNION ALL
        SELECT operation_id::text FROM moved WHERE before IS NULL
        GROUP BY tenant_id, operation_id HAVING count(*) > 1""",
    ),
    Rule(
        "every move is an allowed one",
        """
        SELECT format('%s: %s to %s', operation_id, before, after) FROM moved m
        WHERE before IS NOT NULL AND after IS NOT NULL AND (before <> after OR epoch_before <> epoch_after
            OR owner_before IS DISTINCT FROM owner_after)
          AND NOT EXISTS (SELECT 1 FROM legal l WHERE l.before = m.before AND l.after = m.after)""",
    ),
    Rule(
        "a claim raises the epoch by one, and nothing else touches it",
        """
        SELECT format('%s: %s to %s, epoch %s to %s', operation_id, before, after, epoch_before, epoch_after) FROM moved
        WHERE before IS NOT NULL AND after IS NOT NULL
          AND epoch_after <> epoch_before + CASE WHEN after = 'in_progress' THEN 1 ELSE 0 END""",
    ),
    Rule(
        "what is written of a try is written by whoever claimed it",
        """
        SELECT format('%s epoch %s: claimed by %s, written by %s', t.operation_id, t.epoch, m.owner_after, t.worker)
        FROM attempts t LEFT JOIN moved m ON m.tenant_id = t.tenant_id AND m.operation_id = t.operation_id
            AND m.after = 'in_progress' AND m.epoch_after = t.epoch
        WHERE m.owner_after IS DISTINCT FROM t.worker AND EXISTS (SELECT 1 FROM moved b
            WHERE b.tenant_id = t.tenant_id AND b.operation_id = t.operation_id AND b.before IS NULL)""",
    ),
    Rule(
        "one of an account is claimed at a time",
        """
        SELECT format('account %s when %s was claimed', account_id, operation_id) FROM (
            SELECT *, sum(CASE WHEN after = 'in_progress' THEN 1 WHEN before = 'in_progress' THEN -1 ELSE 0 END)
                OVER (PARTITION BY tenant_id, account_id ORDER BY n) AS running
            FROM moved) r
        WHERE running > 1""",
    ),
    Rule(
        "operations of one account are claimed in their order",
        """
        SELECT format('%s, place %s, claimed after place %s', operation_id, seq, seq_before) FROM (
            SELECT *, lag(seq) OVER (PARTITION BY tenant_id, account_id ORDER BY n) AS seq_before
            FROM moved WHERE after = 'in_progress') c
        WHERE seq < seq_before""",
    ),
)

_WATCHING = """
CREATE SCHEMA watched;
CREATE TABLE watched.events (
    n bigserial PRIMARY KEY, xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(), kind text NOT NULL, tenant_id uuid NOT NULL,
    operation_id uuid NOT NULL, account_id uuid NOT NULL, seq bigint NOT NULL,
    before text, after text, epoch_before integer, epoch_after integer, owner_before uuid, owner_after uuid);
CREATE FUNCTION watched.tell() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE was jsonb := to_jsonb(OLD); is_now jsonb := to_jsonb(NEW);
BEGIN
    IF was->'status' IS DISTINCT FROM is_now->'status' OR was->'epoch' IS DISTINCT FROM is_now->'epoch'
       OR was->'owner' IS DISTINCT FROM is_now->'owner' THEN
        INSERT INTO watched.events (kind, tenant_id, operation_id, account_id, seq, before, after, epoch_before,
            epoch_after, owner_before, owner_after)
        VALUES (TG_OP, (coalesce(is_now, was)->>'tenant_id')::uuid, (coalesce(is_now, was)->>'id')::uuid,
            (coalesce(is_now, was)->>'account_id')::uuid, (coalesce(is_now, was)->>'seq')::bigint, was->>'status',
            is_now->>'status', (was->>'epoch')::integer, (is_now->>'epoch')::integer, (was->>'owner')::uuid,
            (is_now->>'owner')::uuid);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER told AFTER INSERT OR UPDATE OR DELETE ON operations FOR EACH ROW EXECUTE FUNCTION watched.tell();
CREATE TRIGGER told AFTER INSERT OR UPDATE OR DELETE ON dead_letters FOR EACH ROW EXECUTE FUNCTION watched.tell();
CREATE TRIGGER told AFTER INSERT OR UPDATE OR DELETE ON operations_archive FOR EACH ROW EXECUTE FUNCTION watched.tell();
"""


def _all_of(rules: tuple[Rule, ...], preface: str) -> str:
    """One statement for many rules, so that all look at the same moment."""
    parts = [
        f"SELECT {_quoted(rule.name)} AS rule, f.what FROM (SELECT * FROM ({rule.query}) q LIMIT {TOLD}) AS f(what)"
        for rule in rules
    ]
    return f"WITH {preface.strip()} {' UNION ALL '.join(parts)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


HISTORY = _all_of(WATCHED, MOVED)


async def broken(conn: Connection, *, is_at_rest: bool = False, rules: tuple[Rule, ...] = ALWAYS) -> list[str]:
    """Every rule that does not hold, as ``rule: what offends it``; a few of each.

    ``is_at_rest``: no daemon works on the database, and whatever a killed one held was given back.
    """
    await _see_all(conn)
    rows = await conn.fetch(_all_of(rules + AT_REST if is_at_rest else rules, HOMES))
    return [f"{row['rule']}: {row['what']}" for row in rows]


async def watch(conn: Connection) -> None:
    """From now on every move is written down, for ``broken_history``; a trigger, so nothing can go round it."""
    await conn.execute(_WATCHING)


async def broken_history(conn: Connection) -> list[str]:
    """The same as ``broken`` for every move since ``watch``."""
    await _see_all(conn)
    moves = sorted((str(before), str(after)) for before, after in MOVES)
    async with conn.transaction():
        # nothing is known of how much is in the parts: nested loops over them took minutes for a hundred thousand moves
        await conn.execute("SET LOCAL enable_nestloop = off")
        rows = await conn.fetch(HISTORY, [before for before, _ in moves], [after for _, after in moves])
    return [f"{row['rule']}: {row['what']}" for row in rows]


async def unaccounted(conn: Connection, acknowledged: list[Any]) -> list[Any]:
    """Of the ids whose submission was acknowledged, those that are nowhere; of no partition that was dropped."""
    await _see_all(conn)
    missing = "SELECT a.id FROM unnest($1::uuid[]) a(id) WHERE NOT EXISTS (SELECT 1 FROM homes h WHERE h.id = a.id)"
    return [row["id"] for row in await conn.fetch(f"WITH {HOMES} {missing}", acknowledged)]


async def unfinished(conn: Connection) -> dict[OperationStatus, int]:
    """How many are neither over nor given up, by status: once all is healed and worked off, none."""
    await _see_all(conn)
    rows = await conn.fetch("SELECT status, count(*) AS n FROM operations GROUP BY status")
    return {OperationStatus(row["status"]): row["n"] for row in rows}


async def _see_all(conn: Connection) -> None:
    """Rather fail than find nothing because a policy hides it."""
    await conn.execute("SET row_security = off")
