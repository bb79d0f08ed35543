-- name: standing
-- What the role we are connected as could do that it must not, and how the server keeps what it is told.
SELECT r.rolname AS role, r.rolsuper AS is_superuser, r.rolbypassrls AS bypasses_rls,
    (SELECT count(*) FROM pg_class c
     WHERE c.relowner = r.oid AND c.relnamespace = (SELECT s.relnamespace FROM pg_class s
         WHERE s.oid = to_regclass('schema_versions'))) AS owned,
    current_setting('server_version_num')::int / 10000 AS server_version,
    current_setting('fsync') = 'on' AS is_durable, clock_timestamp() AS now
FROM pg_roles r
WHERE r.rolname = current_user
