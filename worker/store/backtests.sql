-- part: shown
id, connector_id, rules, base_version, base_rules, origin, status, phase, done_to, accounts_done, counts, flips,
    error_message, created_at, created_by, updated_at, finished_at

-- name: supersede
-- One at a time for a target: who asks anew does not wait for the answer to what was asked before.
UPDATE correlation_backtests SET status = 'cancelled', updated_at = t.now, finished_at = t.now
FROM (SELECT db_now() AS now) t
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND status IN ('pending', 'running')

-- name: forget
-- The last ones of a target are kept.
DELETE FROM correlation_backtests
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND id < (
    SELECT b.id FROM correlation_backtests b WHERE b.tenant_id = :tenant_id AND b.connector_id = :connector_id
    ORDER BY b.id DESC LIMIT 1 OFFSET :kept)

-- name: insert
INSERT INTO correlation_backtests (tenant_id, id, connector_id, rules, base_version, base_rules, origin, created_at,
    updated_at, created_by)
SELECT :tenant_id, :id, :connector_id, :rules, :base_version, :base_rules, :origin, t.now, t.now, :created_by
FROM (SELECT db_now() AS now) t

-- name: get
SELECT {shown} FROM correlation_backtests WHERE tenant_id = :tenant_id AND id = :id

-- name: of_connector
SELECT {shown} FROM correlation_backtests
WHERE tenant_id = :tenant_id AND connector_id = :connector_id ORDER BY id DESC LIMIT :limit

-- name: next
-- The one that was asked for first.
SELECT {shown} FROM correlation_backtests
WHERE tenant_id = :tenant_id AND status IN ('pending', 'running') ORDER BY id LIMIT 1

-- name: advance
-- Only by whoever looked at the next page: two processes that look at one page count it once.
UPDATE correlation_backtests SET status = :status, phase = :phase, accounts_done = :accounts_done, done_to = :done_to,
    counts = :counts, flips = :flips, error_message = :error_message, updated_at = t.now,
    finished_at = CASE WHEN :status IN ('completed', 'failed') THEN t.now END
FROM (SELECT db_now() AS now) t
WHERE tenant_id = :tenant_id AND id = :id AND status IN ('pending', 'running')
  AND phase = :seen_phase AND done_to IS NOT DISTINCT FROM :seen_to::uuid

-- name: cancel
UPDATE correlation_backtests SET status = 'cancelled', updated_at = t.now, finished_at = t.now
FROM (SELECT db_now() AS now) t
WHERE tenant_id = :tenant_id AND id = :id AND status IN ('pending', 'running')

-- name: decided
-- Accounts that people said something about, in id order.
SELECT d.account_id, a.uid, a.observed FROM (
    SELECT DISTINCT d.account_id FROM decisions d
    WHERE d.tenant_id = :tenant_id AND d.connector_id = :connector_id AND d.account_id > :after
    ORDER BY d.account_id LIMIT :limit) d
LEFT JOIN accounts a ON a.tenant_id = :tenant_id AND a.id = d.account_id AND a.uid IS NOT NULL AND a.state <> 'dead'
ORDER BY d.account_id

-- name: count_matched
SELECT count(*) FROM accounts WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND match IS NOT NULL

-- name: matched
-- Every so many of the accounts that were linked for a reason, in id order.
SELECT a.id AS account_id, a.uid, a.observed, a.identity_id, a.match FROM (
    SELECT a.id, row_number() OVER (ORDER BY a.id) AS place FROM accounts a
    WHERE a.tenant_id = :tenant_id AND a.connector_id = :connector_id AND a.match IS NOT NULL) s
JOIN accounts a ON a.tenant_id = :tenant_id AND a.id = s.id
WHERE s.place % :stride = :remainder AND a.id > :after AND a.identity_id IS NOT NULL AND a.uid IS NOT NULL
  AND a.state <> 'dead'
ORDER BY a.id LIMIT :limit

-- name: people_count
-- Whether there are more people than this.
SELECT count(*) FROM (SELECT FROM identities WHERE tenant_id = :tenant_id LIMIT :most) i

-- name: people_named
-- By what every identity has: names that are looked up by keys. In the order of the index, or a plan that believes in
-- one row reads everybody.
(SELECT id FROM identities WHERE tenant_id = :tenant_id AND user_name_key = ANY(:lowered::text[])
 ORDER BY user_name_key USING ~<~ LIMIT 500)
UNION
(SELECT id FROM identities WHERE tenant_id = :tenant_id AND external_id = ANY(:texts::text[])
 ORDER BY external_id LIMIT 500)

-- name: people
SELECT id, external_id, user_name, attributes, active, version, authority, revision, disabled_at, deleted_at
FROM identities WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[])

-- name: asked_about
-- Whom cases about these accounts named.
SELECT DISTINCT c.account_id, (c.candidate ->> 'ref_id')::uuid AS ref_id FROM (
    SELECT c.account_id, jsonb_array_elements(c.candidates) AS candidate FROM cases c
    WHERE c.tenant_id = :tenant_id AND c.account_id = ANY(:account_ids::uuid[])) c
