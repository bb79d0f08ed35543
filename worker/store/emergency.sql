-- name: disable
UPDATE identities SET disabled_at = db_now(), disabled_by = :by, version = version + 1, updated_at = db_now()
WHERE tenant_id = :tenant_id AND id = :id AND disabled_at IS NULL

-- name: enable
UPDATE identities SET disabled_at = NULL, disabled_by = NULL, version = version + 1, updated_at = db_now()
WHERE tenant_id = :tenant_id AND id = :id AND disabled_at IS NOT NULL

-- name: lanes
-- The person's accounts that exist or are about to, locked in id order: nobody adds to these lanes meanwhile.
SELECT a.id, a.connector_id, a.object_class, a.uid, a.live FROM accounts a
JOIN connectors c ON c.tenant_id = :tenant_id AND c.id = a.connector_id AND c.is_target
WHERE a.tenant_id = :tenant_id AND a.identity_id = :identity_id AND a.state <> 'dead'
  AND (a.uid IS NOT NULL OR a.live > 0)
ORDER BY a.id FOR UPDATE OF a

-- name: waiting
-- The heads come by their id, what is behind them by its lane; what runs is left to end.
SELECT o.id, o.epoch, o.account_id FROM accounts a
JOIN operations o ON o.tenant_id = :tenant_id AND o.id = a.head_id
WHERE a.tenant_id = :tenant_id AND a.id = ANY(:account_ids::uuid[]) AND o.status <> 'in_progress'
UNION ALL
SELECT id, epoch, account_id FROM operations
WHERE tenant_id = :tenant_id AND account_id = ANY(:account_ids::uuid[]) AND NOT head

-- name: want_inactive
-- Until the person is planned again a run must not repair the accounts back.
UPDATE accounts SET wanted_active = false WHERE tenant_id = :tenant_id AND id = ANY(:account_ids::uuid[])
