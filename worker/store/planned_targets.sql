-- name: known
SELECT connector_id, basis, asked_to IS NOT NULL AS is_behind FROM planned_targets WHERE tenant_id = :tenant_id

-- name: begin
INSERT INTO planned_targets (tenant_id, connector_id, basis, asked_to)
SELECT :tenant_id, n.id, n.basis, :first
FROM unnest(:ids::uuid[], :bases::bigint[]) AS n(id, basis) ORDER BY n.id
ON CONFLICT (tenant_id, connector_id) DO UPDATE SET basis = EXCLUDED.basis, asked_to = EXCLUDED.asked_to
WHERE planned_targets.basis <> EXCLUDED.basis

-- name: unfinished
SELECT connector_id, basis, asked_to FROM planned_targets
WHERE tenant_id = :tenant_id AND asked_to IS NOT NULL ORDER BY asked_to

-- name: advance
-- Only where nothing has changed since these people were asked for: whoever starts again starts at the beginning.
UPDATE planned_targets p SET asked_to = :next
FROM unnest(:ids::uuid[], :bases::bigint[]) AS n(id, basis)
WHERE p.tenant_id = :tenant_id AND p.connector_id = n.id AND p.basis = n.basis AND p.asked_to = :after
