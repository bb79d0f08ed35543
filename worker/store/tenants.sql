-- name: ensure
INSERT INTO tenants (id, name) VALUES (:id, :name) ON CONFLICT DO NOTHING

-- name: set_config
UPDATE connectors SET config = :config, version = version + 1, updated_at = db_now()
WHERE tenant_id = :tenant_id AND id = :connector_id
