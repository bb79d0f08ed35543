-- name: tell
-- A statement of its own, outside of any other transaction: a commit that notifies waits for all others that do.
SELECT pg_notify(:channel, :word)

-- name: server_pid
SELECT pg_backend_pid()
