-- name: standing
-- What the role we are connected as could do that it must not, and how the server keeps what it is told.
SELECT r.rolname AS role, r.rolsuper AS is_superuser, r.rolbypassrls AS bypasses_rls,
    (SELECT count(*) FROM pg_class c
     WHERE c.relowner = r.oid AND c.relnamespace = (SELECT s.relnamespace FROM pg_class s
         WHERE s.oid = to_regclass('schema_versions'))) AS owned,
    current_setting('server_version_num')::int / 10000 AS server_version,
    ARRAY(SELECT s.name FROM pg_settings s WHERE s.name IN ('fsync', 'full_page_writes', 'synchronous_commit')
          AND s.setting = 'off' ORDER BY s.name) AS lossy,
    pg_is_in_recovery() AS is_standby, clock_timestamp() AS now
FROM pg_roles r
WHERE r.rolname = current_user
