-- name: ensure
-- The principal of this kind and name, made when it is new.
INSERT INTO principals (tenant_id, id, kind, name) VALUES (:tenant_id, :id, :kind, :name)
ON CONFLICT (tenant_id, kind, name) DO UPDATE SET name = EXCLUDED.name
RETURNING id

-- name: grant
INSERT INTO role_grants (tenant_id, principal_id, role)
SELECT :tenant_id, :principal_id, unnest(:roles::text[]) ON CONFLICT DO NOTHING

-- name: add_token
INSERT INTO tokens (tenant_id, id, principal_id, name, secret_hash, created_by, expires_at)
VALUES (:tenant_id, :id, :principal_id, :name, :secret_hash, :created_by, :expires_at)

-- name: revoke_token
UPDATE tokens SET revoked_at = db_now() WHERE tenant_id = :tenant_id AND id = :id AND revoked_at IS NULL

-- name: tokens
SELECT t.id, t.name, t.created_at, t.expires_at, t.revoked_at, p.name AS principal,
    (SELECT array_agg(g.role ORDER BY g.role) FROM role_grants g
     WHERE g.tenant_id = :tenant_id AND g.principal_id = p.id) AS roles
FROM tokens t JOIN principals p ON p.tenant_id = :tenant_id AND p.id = t.principal_id
WHERE t.tenant_id = :tenant_id ORDER BY t.id DESC

-- name: by_token
SELECT p.id, p.kind, p.name,
    coalesce((SELECT array_agg(g.role) FROM role_grants g
              WHERE g.tenant_id = :tenant_id AND g.principal_id = p.id), '{}') AS roles
FROM tokens t JOIN principals p ON p.tenant_id = :tenant_id AND p.id = t.principal_id
WHERE t.tenant_id = :tenant_id AND t.secret_hash = :secret_hash AND t.revoked_at IS NULL
  AND (t.expires_at IS NULL OR t.expires_at > db_now())

-- name: add_session
INSERT INTO sessions (tenant_id, id, principal_id, kind, secret_hash, expires_at)
VALUES (:tenant_id, :id, :principal_id, :kind, :secret_hash, db_now() + make_interval(secs => :lives_s::float8))

-- name: use_link
-- One time only: whoever comes second finds it used.
UPDATE sessions SET used_at = db_now()
WHERE tenant_id = :tenant_id AND kind = 'link' AND secret_hash = :secret_hash AND used_at IS NULL
  AND ended_at IS NULL AND expires_at > db_now()
RETURNING principal_id

-- name: by_session
-- A session that was had for a token lives no longer than the principal has a token that is valid.
SELECT s.id AS session_id, s.expires_at, p.id, p.kind, p.name,
    coalesce((SELECT array_agg(g.role) FROM role_grants g
              WHERE g.tenant_id = :tenant_id AND g.principal_id = p.id), '{}') AS roles
FROM sessions s JOIN principals p ON p.tenant_id = :tenant_id AND p.id = s.principal_id
WHERE s.tenant_id = :tenant_id AND s.kind = 'session' AND s.secret_hash = :secret_hash AND s.ended_at IS NULL
  AND s.expires_at > db_now()
  AND (p.kind <> 'token' OR EXISTS (
    SELECT 1 FROM tokens t WHERE t.tenant_id = :tenant_id AND t.principal_id = p.id AND t.revoked_at IS NULL
      AND (t.expires_at IS NULL OR t.expires_at > db_now())))

-- name: by_id
SELECT p.id, p.kind, p.name,
    coalesce((SELECT array_agg(g.role) FROM role_grants g
              WHERE g.tenant_id = :tenant_id AND g.principal_id = p.id), '{}') AS roles
FROM principals p WHERE p.tenant_id = :tenant_id AND p.id = :id

-- name: end_session
UPDATE sessions SET ended_at = db_now() WHERE tenant_id = :tenant_id AND secret_hash = :secret_hash AND ended_at IS NULL
