-- name: findings
-- What was settled long ago. What is open, or put aside, stays however old it is.
DELETE FROM discrepancies d WHERE d.tenant_id = :tenant_id AND d.id = ANY(ARRAY(
    SELECT o.id FROM discrepancies o
    WHERE o.tenant_id = :tenant_id AND o.resolution_status = 'resolved' AND o.resolved_at < :before
    ORDER BY o.resolved_at LIMIT :limit FOR UPDATE SKIP LOCKED))

-- name: proposals
-- What dry runs would have done.
DELETE FROM recon_actions a WHERE a.tenant_id = :tenant_id AND a.id = ANY(ARRAY(
    SELECT o.id FROM recon_actions o
    WHERE o.tenant_id = :tenant_id AND o.dry_run AND o.id < :before_id AND o.performed_at < :before
    ORDER BY o.id LIMIT :limit))

-- name: actions
-- What was done about findings that are no more: those of a finding that is there can be looked at, and taken back.
DELETE FROM recon_actions a WHERE a.tenant_id = :tenant_id AND a.id = ANY(ARRAY(
    SELECT o.id FROM recon_actions o
    WHERE o.tenant_id = :tenant_id AND NOT o.dry_run AND o.id < :before_id AND o.performed_at < :before
      AND NOT EXISTS (SELECT 1 FROM discrepancies d WHERE d.tenant_id = :tenant_id AND d.id = o.discrepancy_id)
    ORDER BY o.id LIMIT :limit))

-- name: runs
-- But for those that a delta begins at or a listing is compared with, the last few good ones of each kind and mode, and
-- those that open findings are of.
WITH needed AS MATERIALIZED (
    SELECT d.run_id AS id FROM discrepancies d
    WHERE d.tenant_id = :tenant_id AND d.resolution_status IN ('pending', 'ignored')
    UNION SELECT d.last_seen_run FROM discrepancies d
    WHERE d.tenant_id = :tenant_id AND d.resolution_status IN ('pending', 'ignored')
)
DELETE FROM runs r WHERE r.tenant_id = :tenant_id AND r.id = ANY(ARRAY(
    SELECT o.id FROM runs o
    WHERE o.tenant_id = :tenant_id AND o.id < :before_id AND o.completed_at < :before
      AND o.status IN ('completed', 'failed', 'cancelled')
      AND NOT EXISTS (SELECT 1 FROM needed n WHERE n.id = o.id)
      AND (o.status <> 'completed' OR o.dry_run OR o.listing_complete IS FALSE OR o.statistics ? 'only'
           OR :kept <= (SELECT count(*) FROM (
                SELECT 1 FROM runs g
                WHERE g.tenant_id = :tenant_id AND g.connector_id = o.connector_id AND g.kind = o.kind
                  AND g.mode = o.mode AND g.status = 'completed' AND NOT g.dry_run
                  AND g.listing_complete IS NOT FALSE AND NOT g.statistics ? 'only' AND g.id > o.id
                LIMIT :kept) newer))
    ORDER BY o.id LIMIT :limit))

-- name: cases
-- Cases that were decided, or closed themselves, long ago; what people said of accounts is kept elsewhere, for good.
DELETE FROM cases c WHERE c.tenant_id = :tenant_id AND c.status <> 'open' AND c.id = ANY(ARRAY(
    SELECT o.id FROM cases o
    WHERE o.tenant_id = :tenant_id AND o.status <> 'open' AND o.id < :before_id AND o.decided_at < :before
    ORDER BY o.id LIMIT :limit))
