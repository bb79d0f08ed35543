-- name: server_pid
SELECT pg_backend_pid()
