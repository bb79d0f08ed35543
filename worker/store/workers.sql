-- name: register
INSERT INTO workers (id, host, pid, version, roles, started_at, beat_at, expires_at, notes_claims)
SELECT :id, :host, :pid, :version, :roles::text[], n.now, n.now, n.now + make_interval(secs => :lease_s::float8), true
FROM (SELECT db_now() AS now) n

-- name: beat
-- A lease that ran out is not revived: what it held may have been given to others.
UPDATE workers SET beat_at = db_now(), expires_at = db_now() + make_interval(secs => :lease_s::float8),
    is_draining = :is_draining
WHERE id = :id AND expires_at > db_now()

-- name: leave
DELETE FROM workers WHERE id = :id

-- name: to_look_after
-- Whose lease ran out, or will next, in how many seconds; and whether everybody notes what it claims.
SELECT id, extract(epoch FROM expires_at - db_now())::float8 AS left_s, bool_and(notes_claims) OVER () AS all_noted
FROM workers ORDER BY expires_at LIMIT 50

-- name: all_noted
-- A process of the version before notes no claim, and counts nothing.
SELECT NOT EXISTS (SELECT 1 FROM workers WHERE NOT notes_claims)

-- name: alive
SELECT id, host, pid, version, roles, started_at, beat_at, expires_at, is_draining FROM workers
WHERE expires_at > db_now() ORDER BY started_at

-- name: tenants
SELECT id, name FROM tenants ORDER BY id
