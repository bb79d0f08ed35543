-- name: insert
-- An event id that its source used before is a repetition and changes nothing.
INSERT INTO inbox (tenant_id, source, event_id, id, type, subject, data, status, correlation_id, received_at)
SELECT :tenant_id, n.source, n.event_id, n.id, n.type, n.subject, n.data, 'received', n.id, db_now()
FROM unnest(:sources::text[], :event_ids::text[], :ids::uuid[], :types::text[], :subjects::text[], :data::jsonb[])
    AS n(source, event_id, id, type, subject, data)
ON CONFLICT (tenant_id, source, event_id) DO NOTHING

-- name: try_lock
-- One processor a tenant, so that the events of one person are applied in the order they came.
SELECT pg_try_advisory_xact_lock(hashtextextended(concat('inbox', :tenant_id::uuid), 0))

-- name: batch
SELECT source, event_id, id, type, subject, data, correlation_id FROM inbox
WHERE tenant_id = :tenant_id AND status = 'received'
ORDER BY id LIMIT :limit

-- name: settle
UPDATE inbox b SET status = n.status, message = n.message, processed_at = db_now()
FROM unnest(:sources::text[], :event_ids::text[], :statuses::text[], :messages::text[])
    AS n(source, event_id, status, message)
WHERE b.tenant_id = :tenant_id AND b.source = n.source AND b.event_id = n.event_id

-- name: any_left
SELECT EXISTS (SELECT 1 FROM inbox WHERE tenant_id = :tenant_id AND status = 'received')
