-- name: open_of_account
SELECT id FROM discrepancies
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND account_id = :account_id
  AND resolution_status = 'pending'

-- name: open_of_identity
SELECT id, connector_id, discrepancy_type FROM discrepancies
WHERE tenant_id = :tenant_id AND identity_id = :identity_id AND resolution_status = 'pending' ORDER BY id

-- name: page
-- The newest first, with the names of people and the repair under way; ``after`` turns the direction.
SELECT d.*, i.user_name AS identity_name, p.name AS resolved_by_name,
    coalesce(a.observed ->> 'displayName', a.observed ->> 'cn', a.observed ->> 'userName', a.observed ->> 'mail')
        AS account_name,
    coalesce(o.status, l.status) AS operation_status,
    CASE WHEN d.discrepancy_type = 'collision' AND d.resolution_status = 'pending' THEN (
        SELECT c.id FROM cases c
        WHERE c.tenant_id = :tenant_id AND c.account_id = d.account_id AND c.status = 'open' LIMIT 1) END AS case_id
FROM (
    SELECT d.* FROM discrepancies d
    WHERE d.tenant_id = :tenant_id AND d.connector_id = :connector_id
      AND (:ids::uuid[] IS NULL OR d.id = ANY(:ids))
      AND (:run_id::uuid IS NULL OR d.last_seen_run = :run_id OR d.run_id = :run_id)
      AND (:discrepancy_type::text IS NULL OR d.discrepancy_type = :discrepancy_type)
      AND (:resolution_status::text IS NULL OR d.resolution_status = :resolution_status)
      AND (:attribute_name::text IS NULL OR d.attributes ? :attribute_name)
      AND (:q::text IS NULL OR (d.external_uid ~>=~ :q AND d.external_uid ~<~ :q_end::text)
           OR d.identity_id IN (SELECT p.id FROM identities p WHERE p.tenant_id = :tenant_id
               AND p.user_name_key ~>=~ lower(:q) AND p.user_name_key ~<~ lower(:q_end)))
      AND (:before::uuid IS NULL OR d.id < :before) AND (:after::uuid IS NULL OR d.id > :after)
    ORDER BY CASE WHEN :after::uuid IS NOT NULL THEN d.id END, CASE WHEN :after::uuid IS NULL THEN d.id END DESC
    LIMIT :limit) AS d
LEFT JOIN identities i ON i.tenant_id = :tenant_id AND i.id = d.identity_id
LEFT JOIN accounts a ON a.tenant_id = :tenant_id AND a.id = d.account_id
LEFT JOIN principals p ON p.tenant_id = :tenant_id AND p.id = d.resolved_by
LEFT JOIN operations o ON o.tenant_id = :tenant_id AND o.id = d.resolved_operation
LEFT JOIN dead_letters l ON l.tenant_id = :tenant_id AND l.id = d.resolved_operation
ORDER BY d.id DESC

-- name: counts
SELECT d.discrepancy_type, d.resolution_status, count(*) AS n FROM discrepancies d
WHERE d.tenant_id = :tenant_id AND d.connector_id = :connector_id
  AND (:run_id::uuid IS NULL OR d.last_seen_run = :run_id OR d.run_id = :run_id)
  AND (:attribute_name::text IS NULL OR d.attributes ? :attribute_name)
  AND (:q::text IS NULL OR (d.external_uid ~>=~ :q AND d.external_uid ~<~ :q_end::text)
       OR d.identity_id IN (SELECT p.id FROM identities p WHERE p.tenant_id = :tenant_id
           AND p.user_name_key ~>=~ lower(:q) AND p.user_name_key ~<~ lower(:q_end)))
GROUP BY d.discrepancy_type, d.resolution_status

-- name: names
SELECT id, user_name, external_id FROM identities WHERE tenant_id = :tenant_id AND id = ANY(:ids::uuid[])

-- name: actions
-- The record of repairs, the newest first, with the names of people and accounts; ``after`` turns the direction.
SELECT r.*, p.name AS performed_by_name, d.external_uid, d.discrepancy_type, i.user_name AS identity_name
FROM (
    SELECT r.* FROM recon_actions r
    WHERE r.tenant_id = :tenant_id AND r.connector_id = :connector_id
      AND (:run_id::uuid IS NULL OR r.run_id = :run_id)
      AND (:discrepancy_id::uuid IS NULL OR r.discrepancy_id = :discrepancy_id)
      AND (:before::uuid IS NULL OR r.id < :before) AND (:after::uuid IS NULL OR r.id > :after)
    ORDER BY CASE WHEN :after::uuid IS NOT NULL THEN r.id END, CASE WHEN :after::uuid IS NULL THEN r.id END DESC
    LIMIT :limit) AS r
LEFT JOIN discrepancies d ON d.tenant_id = :tenant_id AND d.id = r.discrepancy_id
LEFT JOIN identities i ON i.tenant_id = :tenant_id AND i.id = d.identity_id
LEFT JOIN principals p ON p.tenant_id = :tenant_id AND p.id = r.performed_by
ORDER BY r.id DESC
