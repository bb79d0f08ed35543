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
