-- name: find
-- There are few connectors per tenant, so one statement serves every way of asking.
SELECT tenant_id, id, name, type, config, status, is_target, is_source, object_class, limits, scope, deprovision,
    protected_filter, policy, settings, baseline_at IS NOT NULL AS has_baseline, breaker_state, version
FROM connectors
WHERE tenant_id = :tenant_id AND (:ids::uuid[] IS NULL OR id = ANY(:ids))
  AND (:name::text IS NULL OR name = :name)
  AND (NOT :only_targets::boolean OR is_target) AND (NOT :only_sources::boolean OR is_source)
  AND (NOT :only_active::boolean OR status <> 'inactive')
ORDER BY name

-- name: insert
INSERT INTO connectors (tenant_id, id, name, type, description, config, credentials, status, is_target, is_source,
    object_class, limits, scope, deprovision, protected_filter, policy, settings)
VALUES (:tenant_id, :id, :name, :type, :description, :config, :credentials, :status, :is_target, :is_source,
    :object_class, :limits, :scope, :deprovision, :protected_filter, :policy, :settings)

-- name: update
UPDATE connectors SET name = :name, config = :config, status = :status, is_target = :is_target, is_source = :is_source,
    object_class = :object_class, limits = :limits, scope = :scope, deprovision = :deprovision,
    protected_filter = :protected_filter, policy = :policy, settings = :settings, version = version + 1,
    updated_at = db_now()
WHERE tenant_id = :tenant_id AND id = :id AND version = :version
RETURNING version

-- name: set_status
UPDATE connectors SET status = :status, version = version + 1, updated_at = db_now()
WHERE tenant_id = :tenant_id AND id = :id AND status <> :status

-- name: credentials
SELECT credentials FROM connectors WHERE tenant_id = :tenant_id AND id = :id

-- name: set_credentials
UPDATE connectors SET credentials = :sealed, version = version + 1, updated_at = db_now()
WHERE tenant_id = :tenant_id AND id = :id

-- name: sync_token
SELECT sync_token FROM connectors WHERE tenant_id = :tenant_id AND id = :id

-- name: set_sync_token
UPDATE connectors SET sync_token = :token
WHERE tenant_id = :tenant_id AND id = :id AND sync_token IS DISTINCT FROM :token::text

-- name: set_baseline
-- The first complete listing counts; a later one leaves its time alone.
UPDATE connectors SET baseline_at = db_now() WHERE tenant_id = :tenant_id AND id = :id AND baseline_at IS NULL

-- name: note_success
-- At most one write a minute, however many calls succeed.
UPDATE connectors SET last_success_at = db_now(), last_error = NULL, last_error_at = NULL
WHERE tenant_id = :tenant_id AND id = :id
  AND (last_error IS NOT NULL OR last_success_at IS NULL OR last_success_at < db_now() - interval '1 minute')

-- name: note_error
UPDATE connectors SET last_error = :message, last_error_at = db_now()
WHERE tenant_id = :tenant_id AND id = :id
  AND (last_error IS DISTINCT FROM :message OR last_error_at < db_now() - interval '1 minute')

-- name: breaker
SELECT breaker_state, breaker_failures, breaker_opened_at, breaker_probe_at FROM connectors
WHERE tenant_id = :tenant_id AND id = :id

-- name: set_breaker
UPDATE connectors SET breaker_state = :state, breaker_failures = :failures, breaker_opened_at = :opened_at,
    breaker_probe_at = :probe_at
WHERE tenant_id = :tenant_id AND id = :id

-- name: claim_probe
-- One worker in the whole house probes a sick target at a time.
UPDATE connectors SET breaker_probe_at = db_now() + make_interval(secs => :every_s::float8)
WHERE tenant_id = :tenant_id AND id = :id AND breaker_state = 'open'
  AND (breaker_probe_at IS NULL OR breaker_probe_at <= db_now())
