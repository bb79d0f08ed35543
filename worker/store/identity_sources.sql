-- name: sharing
-- What mappings let in from targets, any version and the active ones, and how connectors rank. No row: nothing is. The
-- versions come by the index that holds those alone.
WITH v AS MATERIALIZED (
    SELECT v.connector_id, v.rules, v.is_active FROM mapping_versions v
    WHERE v.tenant_id = :tenant_id
      AND (v.rules @> '[{"direction": "inbound"}]' OR v.rules @> '[{"direction": "both"}]')
)
SELECT c.id AS connector_id, c.is_source, (c.settings ->> 'precedence') AS number, r.names, r.active
FROM connectors c LEFT JOIN LATERAL (
    SELECT array_agg(DISTINCT rule ->> 'source') AS names,
        array_agg(DISTINCT rule ->> 'source') FILTER (WHERE v.is_active) AS active
    FROM v, jsonb_array_elements(v.rules) AS rule
    WHERE v.connector_id = c.id AND rule ->> 'direction' IN ('inbound', 'both') AND rule ->> 'source' IS NOT NULL
) AS r ON true
WHERE c.tenant_id = :tenant_id AND EXISTS (SELECT 1 FROM v)

-- name: words
SELECT identity_id, attribute, source, value FROM identity_sources
WHERE tenant_id = :tenant_id AND identity_id = ANY(:identity_ids::uuid[])

-- name: write
-- A value that is null takes the word back. What is said already is left alone.
WITH n AS (
    SELECT * FROM unnest(:identity_ids::uuid[], :attributes::text[], :sources::text[], :values::jsonb[])
        AS n(identity_id, attribute, source, value)
),
taken_back AS (
    DELETE FROM identity_sources s USING n
    WHERE s.tenant_id = :tenant_id AND s.identity_id = n.identity_id AND s.attribute = n.attribute
      AND s.source = n.source AND (n.value IS NULL OR n.value = 'null')
)
INSERT INTO identity_sources (tenant_id, identity_id, attribute, source, value, run_id)
SELECT :tenant_id, n.identity_id, n.attribute, n.source, n.value, :run_id FROM n
WHERE n.value <> 'null'
ON CONFLICT (tenant_id, identity_id, attribute, source) DO UPDATE
    SET value = EXCLUDED.value, run_id = EXCLUDED.run_id, seen_at = EXCLUDED.seen_at
    WHERE identity_sources.value <> EXCLUDED.value

-- name: of_identity
SELECT s.attribute, s.source, s.value, s.run_id, s.seen_at, c.id AS connector_id, c.name AS connector_name
FROM identity_sources s
LEFT JOIN connectors c ON c.tenant_id = :tenant_id AND c.id::text = s.source
WHERE s.tenant_id = :tenant_id AND s.identity_id = :identity_id
ORDER BY s.attribute, s.seen_at DESC, s.source

-- name: in_force
SELECT numbers, next_numbers FROM precedence_in_force WHERE tenant_id = :tenant_id

-- name: first_in_force
INSERT INTO precedence_in_force (tenant_id, numbers) VALUES (:tenant_id, :numbers) ON CONFLICT (tenant_id) DO NOTHING

-- name: put_in_force
-- Where nobody is to be judged anew: connectors came or went.
UPDATE precedence_in_force SET numbers = :numbers WHERE tenant_id = :tenant_id AND next_numbers IS NULL

-- name: begin_judging
UPDATE precedence_in_force SET next_numbers = :numbers, judged_to = :first
WHERE tenant_id = :tenant_id AND next_numbers IS NULL

-- name: judging
-- Locked for a page; while another process is at one, it is left to that.
SELECT numbers, next_numbers, judged_to FROM precedence_in_force
WHERE tenant_id = :tenant_id AND next_numbers IS NOT NULL FOR UPDATE SKIP LOCKED

-- name: people_with_words
SELECT DISTINCT identity_id FROM identity_sources
WHERE tenant_id = :tenant_id AND identity_id > :after ORDER BY identity_id LIMIT :limit

-- name: judged
-- Up to this person, or, where that is none, everybody.
UPDATE precedence_in_force SET judged_to = :last::uuid,
    numbers = CASE WHEN :last::uuid IS NULL THEN next_numbers ELSE numbers END,
    next_numbers = CASE WHEN :last::uuid IS NULL THEN NULL ELSE next_numbers END
WHERE tenant_id = :tenant_id
