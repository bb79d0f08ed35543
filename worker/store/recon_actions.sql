-- name: record
INSERT INTO recon_actions (tenant_id, id, connector_id, run_id, discrepancy_id, action_type, direction, result, dry_run,
    operation_id, performed_by, performed_at, details)
SELECT :tenant_id, n.id, :connector_id, :run_id, n.discrepancy_id, n.action_type, n.direction, n.result, :dry_run,
    n.operation_id, :performed_by, db_now(), n.details
FROM unnest(:ids::uuid[], :discrepancy_ids::uuid[], :action_types::text[], :directions::text[], :results::text[],
            :operation_ids::uuid[], :details::jsonb[])
    AS n(id, discrepancy_id, action_type, direction, result, operation_id, details)

-- name: page
SELECT * FROM recon_actions
WHERE tenant_id = :tenant_id AND connector_id = :connector_id
  AND (:run_id::uuid IS NULL OR run_id = :run_id) AND (:discrepancy_id::uuid IS NULL OR discrepancy_id = :discrepancy_id)
  AND (:action_type::text IS NULL OR action_type = :action_type) AND (:result::text IS NULL OR result = :result)
  AND (:dry_run::boolean IS NULL OR dry_run = :dry_run)
ORDER BY id DESC LIMIT :limit OFFSET :offset

-- name: count
SELECT count(*) FROM recon_actions
WHERE tenant_id = :tenant_id AND connector_id = :connector_id
  AND (:run_id::uuid IS NULL OR run_id = :run_id) AND (:discrepancy_id::uuid IS NULL OR discrepancy_id = :discrepancy_id)
  AND (:action_type::text IS NULL OR action_type = :action_type) AND (:result::text IS NULL OR result = :result)
  AND (:dry_run::boolean IS NULL OR dry_run = :dry_run)

-- name: last_of
-- The newest action on each finding that really happened: what an undo takes back.
SELECT DISTINCT ON (discrepancy_id) * FROM recon_actions
WHERE tenant_id = :tenant_id AND discrepancy_id = ANY(:discrepancy_ids::uuid[]) AND NOT dry_run
  AND result IN ('queued', 'success')
ORDER BY discrepancy_id, id DESC

-- name: summary
SELECT action_type, result, count(*) AS n FROM recon_actions
WHERE tenant_id = :tenant_id AND run_id = :run_id
GROUP BY action_type, result
