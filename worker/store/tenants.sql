-- name: ensure
INSERT INTO tenants (id, name) VALUES (:id, :name) ON CONFLICT DO NOTHING
