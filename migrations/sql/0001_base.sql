-- Platform tables: no tenant data, no row-level security.

CREATE FUNCTION db_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS 'SELECT clock_timestamp()';

CREATE TABLE schema_versions (
    number integer PRIMARY KEY,
    name text NOT NULL,
    -- the oldest code (by the number of its own last migration) that can run on this schema
    oldest_code integer NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE tenants (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- One row per running process; its lease is the lease of all it holds.
CREATE TABLE workers (
    id uuid PRIMARY KEY,
    host text NOT NULL,
    pid integer NOT NULL,
    version text NOT NULL,
    roles text[] NOT NULL,
    started_at timestamptz NOT NULL,
    beat_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    is_draining boolean NOT NULL DEFAULT false
) WITH (fillfactor = 70);

-- Where a daemon looks for something to do: ids and times only.
CREATE TABLE due_work (
    tenant_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('claim', 'plan', 'schedule', 'run', 'inbox', 'outbox', 'retention')),
    ref_id uuid NOT NULL,
    due_at timestamptz NOT NULL,
    weight integer NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, kind, ref_id)
) WITH (fillfactor = 70);

CREATE INDEX due_work_due ON due_work (due_at);

-- Who may ask.

CREATE TABLE principals (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('user', 'token', 'schedule', 'policy', 'system')),
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);

CREATE UNIQUE INDEX principals_name ON principals (tenant_id, kind, name);

CREATE TABLE role_grants (
    tenant_id uuid NOT NULL,
    principal_id uuid NOT NULL,
    role text NOT NULL CHECK (role IN ('admin', 'operator', 'viewer', 'ingest', 'metrics')),
    PRIMARY KEY (tenant_id, principal_id, role)
);

CREATE TABLE tokens (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    principal_id uuid NOT NULL,
    name text NOT NULL,
    secret_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    expires_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);

CREATE UNIQUE INDEX tokens_hash ON tokens (tenant_id, secret_hash);

-- Console sessions and one-time sign-in links.
CREATE TABLE sessions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    principal_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('link', 'session')),
    secret_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    ended_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);

CREATE UNIQUE INDEX sessions_hash ON sessions (tenant_id, secret_hash);

-- Hash-chained: audit_heads holds the end of each tenant's chain and serialises its writers.
CREATE TABLE audit (
    tenant_id uuid NOT NULL,
    n bigint NOT NULL,
    at timestamptz NOT NULL,
    actor_id uuid NOT NULL,
    action text NOT NULL,
    object_type text NOT NULL,
    object_id text NOT NULL,
    details jsonb NOT NULL,
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (tenant_id, n)
);

CREATE INDEX audit_object ON audit (tenant_id, object_type, object_id, n);

CREATE TABLE audit_heads (
    tenant_id uuid NOT NULL,
    n bigint NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (tenant_id)
) WITH (fillfactor = 50);

-- Identities and what they should have.

CREATE TABLE identities (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    external_id text NOT NULL,
    user_name text NOT NULL,
    attributes jsonb NOT NULL DEFAULT '{}',
    active boolean NOT NULL DEFAULT true,
    version bigint NOT NULL DEFAULT 1,
    -- attribute name -> who said so: the id of a source connector, or "event:<source>"
    authority jsonb NOT NULL DEFAULT '{}',
    revision bigint,
    -- set by an emergency disable; planning keeps every account inactive until a person enables again
    disabled_at timestamptz,
    disabled_by uuid,
    deleted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- a column and not an index on lower(): row-level security keeps functions that are not leakproof out of indexes
    user_name_key text GENERATED ALWAYS AS (lower(user_name)) STORED,
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX identities_external ON identities (tenant_id, external_id);
CREATE INDEX identities_user_name ON identities (tenant_id, user_name_key text_pattern_ops);

-- Identities whose accounts are to be planned again: one row each, written with the change that asks for it.
CREATE TABLE plan_items (
    tenant_id uuid NOT NULL,
    identity_id uuid NOT NULL,
    origin text NOT NULL,
    run_id uuid,
    correlation_id uuid,
    asked_at timestamptz NOT NULL DEFAULT now(),
    -- rises with every new ask, so that a planner deletes only what it has planned
    ask bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, identity_id)
);

-- What everybody is planned with at a target. No row: somebody was not planned there, because it was inactive or its
-- scope or mapping could not be used.
CREATE TABLE planned_targets (
    tenant_id uuid NOT NULL,
    connector_id uuid NOT NULL,
    -- hash of the scope, the mapping version and the policy
    basis bigint NOT NULL,
    -- how far, in id order, people have been asked to be planned with it; NULL when all were
    asked_to uuid,
    PRIMARY KEY (tenant_id, connector_id)
);

CREATE TABLE connectors (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    description text NOT NULL DEFAULT '',
    config jsonb NOT NULL DEFAULT '{}',
    credentials bytea,
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive', 'error', 'maintenance')),
    is_target boolean NOT NULL,
    is_source boolean NOT NULL,
    object_class text NOT NULL DEFAULT 'user',
    limits jsonb NOT NULL DEFAULT '{}',
    scope text,
    deprovision text NOT NULL DEFAULT 'disable' CHECK (deprovision IN ('delete', 'disable', 'none')),
    protected_filter text,
    policy jsonb NOT NULL DEFAULT '{}',
    settings jsonb NOT NULL DEFAULT '{}',
    baseline_at timestamptz,
    breaker_state text NOT NULL DEFAULT 'closed' CHECK (breaker_state IN ('closed', 'open', 'half_open')),
    breaker_failures integer NOT NULL DEFAULT 0,
    breaker_opened_at timestamptz,
    breaker_probe_at timestamptz,
    breaker_ramp integer NOT NULL DEFAULT 0,
    last_success_at timestamptz,
    last_error text,
    last_error_at timestamptz,
    sync_token text,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 70);

CREATE UNIQUE INDEX connectors_name ON connectors (tenant_id, name);

CREATE TABLE mapping_versions (
    tenant_id uuid NOT NULL,
    connector_id uuid NOT NULL,
    object_class text NOT NULL,
    version integer NOT NULL,
    rules jsonb NOT NULL,
    is_active boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    PRIMARY KEY (tenant_id, connector_id, object_class, version)
);

CREATE UNIQUE INDEX mapping_active ON mapping_versions (tenant_id, connector_id, object_class) WHERE is_active;

-- The shadow of every object seen or wanted. The row is also the lane of its operations: its lock hands out seq,
-- live counts the operations that wait or run.
CREATE TABLE accounts (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    connector_id uuid NOT NULL,
    object_class text NOT NULL,
    uid text,
    identity_id uuid,
    state text NOT NULL CHECK (state IN ('pending', 'active', 'dead', 'unknown')),
    wanted jsonb,
    wanted_active boolean,
    wanted_hash bigint,
    -- when a person last refused its removal: the next one waits for a person, however few there are
    removal_refused_at timestamptz,
    observed jsonb,
    observed_active boolean,
    observed_hash bigint,
    -- the hash of all that was compared when a run last found the account as wanted: while it still holds, the account
    -- need not be compared again
    agreed_hash bigint,
    mapping_version integer,
    identity_version bigint,
    -- what before-hooks set at the last change; expected attributes are wanted and, over them, hooked
    hooked jsonb,
    -- why it is linked: decision, confidence, contribution of each rule
    match jsonb,
    seq bigint NOT NULL DEFAULT 0,
    live integer NOT NULL DEFAULT 0,
    -- the operation at the head of the lane; the others are in operations_blocked
    head_id uuid,
    first_seen_run uuid,
    changed_run uuid,
    gone_at timestamptz,
    -- on an account of nobody: whose try is making it its own, and since when
    taken_by uuid,
    taken_at timestamptz,
    last_change_at timestamptz,
    last_change_run uuid,
    last_change_operation uuid,
    last_change_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 70);

CREATE UNIQUE INDEX accounts_uid ON accounts (tenant_id, connector_id, object_class, uid) WHERE uid IS NOT NULL;
CREATE UNIQUE INDEX accounts_identity ON accounts (tenant_id, connector_id, object_class, identity_id)
    WHERE identity_id IS NOT NULL;
CREATE INDEX accounts_of_identity ON accounts (tenant_id, identity_id) WHERE identity_id IS NOT NULL;
CREATE INDEX accounts_unowned ON accounts (tenant_id, connector_id, id) WHERE identity_id IS NULL AND uid IS NOT NULL;
CREATE INDEX accounts_gone ON accounts (tenant_id, connector_id, id) WHERE state = 'dead';

-- Blocking keys of accounts that nobody owns yet: where a create looks for its account first.
CREATE TABLE match_keys (
    tenant_id uuid NOT NULL,
    connector_id uuid NOT NULL,
    kind text NOT NULL,
    hash bigint NOT NULL,
    account_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, connector_id, hash, kind, account_id)
);

CREATE INDEX match_keys_account ON match_keys (tenant_id, account_id);

-- Live operations only. A claim reads the head of operations_ready, whatever else waits.
CREATE TABLE operations (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    connector_id uuid NOT NULL,
    account_id uuid NOT NULL,
    user_id uuid,
    seq bigint NOT NULL,
    head boolean NOT NULL,
    operation_type text NOT NULL CHECK (operation_type IN ('create', 'update', 'delete')),
    object_class text NOT NULL,
    target_uid text,
    status text NOT NULL CHECK (status IN ('pending', 'in_progress', 'failed', 'awaiting_system')),
    wait_reason text,
    priority smallint NOT NULL DEFAULT 0,
    retry_count smallint NOT NULL DEFAULT 0,
    max_retries smallint NOT NULL DEFAULT 10,
    attempt_number integer NOT NULL DEFAULT 0,
    crashed_leases smallint NOT NULL DEFAULT 0,
    parks smallint NOT NULL DEFAULT 0,
    error_code text,
    error_message text,
    payload jsonb NOT NULL,
    secrets bytea,
    idempotency_key text,
    next_retry_at timestamptz,
    owner uuid,
    epoch integer NOT NULL DEFAULT 0,
    origin text NOT NULL,
    identity_version bigint,
    mapping_version integer,
    run_id uuid,
    correlation_id uuid,
    discrepancy_id uuid,
    -- the hash of the account that a repair was decided on; the repair is dropped when the account has moved since
    expected_hash bigint,
    case_id uuid,
    approval_id uuid,
    redrive_of uuid,
    created_by uuid,
    cancel_requested_by uuid,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    started_at timestamptz,
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX operations_ready ON operations (tenant_id, connector_id, priority DESC, id)
    WHERE status = 'pending' AND head;
CREATE INDEX operations_suspect ON operations (tenant_id, connector_id, crashed_leases, id) WHERE crashed_leases > 0;
CREATE INDEX operations_blocked ON operations (tenant_id, account_id, seq) WHERE NOT head;
CREATE INDEX operations_due ON operations (tenant_id, connector_id, next_retry_at)
    WHERE status IN ('failed', 'awaiting_system') AND head;

CREATE INDEX operations_held ON operations (tenant_id, approval_id, id)
    WHERE status = 'awaiting_system' AND wait_reason = 'approval';

CREATE TABLE dead_letters (
    LIKE operations INCLUDING DEFAULTS,
    dead_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

ALTER TABLE dead_letters DROP COLUMN head, DROP COLUMN owner;
CREATE INDEX dead_letters_user ON dead_letters (tenant_id, user_id);

-- Finished operations, one partition a day.
CREATE TABLE operations_archive (
    tenant_id uuid NOT NULL,
    completed_day date NOT NULL,
    id uuid NOT NULL,
    connector_id uuid NOT NULL,
    account_id uuid NOT NULL,
    user_id uuid,
    seq bigint NOT NULL,
    operation_type text NOT NULL,
    object_class text NOT NULL,
    target_uid text,
    status text NOT NULL CHECK (status IN ('completed', 'resolved', 'cancelled')),
    priority smallint NOT NULL,
    retry_count smallint NOT NULL,
    max_retries smallint NOT NULL,
    attempt_number integer NOT NULL,
    crashed_leases smallint NOT NULL,
    error_code text,
    error_message text,
    payload jsonb NOT NULL,
    idempotency_key text,
    epoch integer NOT NULL,
    origin text NOT NULL,
    identity_version bigint,
    mapping_version integer,
    run_id uuid,
    correlation_id uuid,
    discrepancy_id uuid,
    case_id uuid,
    approval_id uuid,
    redrive_of uuid,
    created_by uuid,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    started_at timestamptz,
    completed_at timestamptz NOT NULL,
    -- already_so, skipped: how a completed one ended when it changed nothing
    ending text,
    resolution_notes text,
    resolved_by uuid,
    resolved_at timestamptz,
    PRIMARY KEY (tenant_id, completed_day, id)
) PARTITION BY RANGE (completed_day);

CREATE INDEX operations_archive_id ON operations_archive (tenant_id, id);
CREATE INDEX operations_archive_user ON operations_archive (tenant_id, user_id, id);
-- Counting a million rows reads this alone; equal entries are stored once, so it stays small.
CREATE INDEX operations_archive_counts ON operations_archive (tenant_id, connector_id, operation_type, status);
CREATE INDEX operations_archive_uid ON operations_archive (tenant_id, target_uid text_pattern_ops);
CREATE INDEX operations_archive_completed ON operations_archive USING brin (completed_at);

CREATE TABLE attempts (
    tenant_id uuid NOT NULL,
    day date NOT NULL,
    operation_id uuid NOT NULL,
    attempt_number integer NOT NULL,
    epoch integer NOT NULL,
    started_at timestamptz NOT NULL,
    completed_at timestamptz NOT NULL,
    success boolean NOT NULL,
    outcome text NOT NULL,
    error_code text,
    error_message text,
    duration_ms integer NOT NULL,
    worker uuid,
    sent jsonb,
    PRIMARY KEY (tenant_id, day, operation_id, epoch)
) PARTITION BY RANGE (day);

CREATE INDEX attempts_completed ON attempts USING brin (completed_at);

CREATE TABLE operation_logs (
    tenant_id uuid NOT NULL,
    day date NOT NULL,
    operation_id uuid NOT NULL,
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    level text NOT NULL CHECK (level IN ('info', 'warn', 'error')),
    message text NOT NULL,
    PRIMARY KEY (tenant_id, day, operation_id, id)
) PARTITION BY RANGE (day);

CREATE TABLE idempotency_keys (
    tenant_id uuid NOT NULL,
    key text NOT NULL,
    body_hash bytea NOT NULL,
    operation_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, key)
);

-- What the safeguard counts (removals accepted per hour) and what it holds back.

CREATE TABLE removal_counts (
    tenant_id uuid NOT NULL,
    connector_id uuid NOT NULL,
    hour timestamptz NOT NULL,
    accepted integer NOT NULL,
    PRIMARY KEY (tenant_id, connector_id, hour)
) WITH (fillfactor = 50);

CREATE TABLE approvals (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    connector_id uuid NOT NULL,
    run_id uuid,
    kind text NOT NULL CHECK (kind IN ('removals', 'incomplete_source', 'incomplete_target', 'growth')),
    status text NOT NULL CHECK (status IN ('open', 'approved', 'rejected', 'expired')),
    -- how many were put under it; once it is decided, how many were let go or cancelled by that
    held integer NOT NULL,
    -- rises when more is held, so that nobody approves what they were not shown
    version integer NOT NULL DEFAULT 1,
    threshold integer,
    -- up to 20 of the things held, each {what, who, uid}
    sample jsonb NOT NULL,
    reason text NOT NULL,
    created_at timestamptz NOT NULL,
    -- when something was last added: from here on it waits for a decision
    asked_at timestamptz NOT NULL,
    decided_at timestamptz,
    decided_by uuid,
    notes text,
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX approvals_open ON approvals (tenant_id, connector_id) WHERE status = 'open';

-- Reconciliation and imports.

CREATE TABLE runs (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    connector_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('reconciliation', 'import', 'sync')),
    mode text NOT NULL CHECK (mode IN ('full', 'delta')),
    dry_run boolean NOT NULL DEFAULT false,
    status text NOT NULL CHECK (status IN ('pending', 'running', 'paused', 'completed', 'failed', 'cancelled')),
    trigger text NOT NULL CHECK (trigger IN ('scheduled', 'manual', 'webhook', 'resume', 'watch')),
    correlation_id uuid NOT NULL,
    listing_complete boolean,
    pause_reason text,
    pause_requested boolean NOT NULL DEFAULT false,
    cancel_requested boolean NOT NULL DEFAULT false,
    approval_id uuid,
    error_message text,
    phase text NOT NULL DEFAULT 'listing',
    accounts_total bigint,
    accounts_processed bigint NOT NULL DEFAULT 0,
    discrepancies_found bigint NOT NULL DEFAULT 0,
    discrepancies_by_type jsonb NOT NULL DEFAULT '{}',
    items_total bigint NOT NULL DEFAULT 0,
    items_success bigint NOT NULL DEFAULT 0,
    items_error bigint NOT NULL DEFAULT 0,
    statistics jsonb NOT NULL DEFAULT '{}',
    owner uuid,
    epoch integer NOT NULL DEFAULT 0,
    created_by uuid,
    schedule_id uuid,
    fire_at timestamptz,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    completed_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);

CREATE UNIQUE INDEX runs_live ON runs (tenant_id, connector_id) WHERE status IN ('pending', 'running', 'paused');
CREATE UNIQUE INDEX runs_fired ON runs (tenant_id, schedule_id, fire_at) WHERE schedule_id IS NOT NULL;
CREATE INDEX runs_connector ON runs (tenant_id, connector_id, id);

-- One row a page: where the listing goes on, and what that page saw (packed 64-bit hashes of uids).
CREATE TABLE run_checkpoints (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    page integer NOT NULL,
    next_token text,
    is_last boolean NOT NULL,
    seen bytea NOT NULL,
    total bigint,
    written_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, run_id, page)
);

CREATE TABLE discrepancies (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    connector_id uuid NOT NULL,
    finding_key text NOT NULL,
    run_id uuid NOT NULL,
    discrepancy_type text NOT NULL CHECK
        (discrepancy_type IN ('missing', 'orphan', 'mismatch', 'collision', 'unlinked', 'deleted')),
    account_id uuid,
    identity_id uuid,
    external_uid text,
    -- {name: {"expected": value, "actual": value}}
    attributes jsonb NOT NULL DEFAULT '{}',
    -- what the finding means, in one sentence
    explanation text NOT NULL,
    -- [{"action", "direction", "identity_id"?, "reason"}], the first is the best
    suggested_actions jsonb NOT NULL DEFAULT '[]',
    -- hash of the account the finding was made from
    state_hash bigint,
    resolution_status text NOT NULL CHECK (resolution_status IN ('pending', 'resolved', 'ignored')),
    resolved_action text,
    resolved_at timestamptz,
    resolved_by uuid,
    resolved_operation uuid,
    ignored_reason text,
    ignored_until timestamptz,
    created_at timestamptz NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    last_seen_run uuid NOT NULL,
    occurrences integer NOT NULL DEFAULT 1,
    version integer NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, id)
);

CREATE UNIQUE INDEX discrepancies_finding ON discrepancies (tenant_id, connector_id, finding_key);
CREATE INDEX discrepancies_open ON discrepancies (tenant_id, connector_id, id) WHERE resolution_status = 'pending';
CREATE INDEX discrepancies_identity ON discrepancies (tenant_id, identity_id) WHERE identity_id IS NOT NULL;

-- What each run proposed or did, and what people decided: the record of remediation.
CREATE TABLE recon_actions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    connector_id uuid NOT NULL,
    run_id uuid,
    discrepancy_id uuid,
    action_type text NOT NULL,
    direction text NOT NULL,
    result text NOT NULL CHECK (result IN ('proposed', 'queued', 'success', 'failure', 'dropped')),
    dry_run boolean NOT NULL,
    operation_id uuid,
    performed_by uuid NOT NULL,
    performed_at timestamptz NOT NULL,
    -- {"before_state", "after_state", "error_message"?}
    details jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX recon_actions_run ON recon_actions (tenant_id, run_id, id);
CREATE INDEX recon_actions_discrepancy ON recon_actions (tenant_id, discrepancy_id);

CREATE TABLE schedules (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    connector_id uuid NOT NULL,
    mode text NOT NULL CHECK (mode IN ('full', 'delta')),
    frequency text NOT NULL CHECK (frequency IN ('hourly', 'daily', 'weekly', 'monthly', 'cron')),
    day_of_week smallint,
    day_of_month smallint,
    hour_of_day smallint,
    cron_expression text,
    timezone text NOT NULL DEFAULT 'UTC',
    missed_run_policy text NOT NULL DEFAULT 'one' CHECK (missed_run_policy IN ('skip', 'one')),
    jitter_seconds integer NOT NULL DEFAULT 0,
    enabled boolean NOT NULL DEFAULT true,
    last_run_at timestamptz,
    last_skip_reason text,
    next_run_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);

CREATE UNIQUE INDEX schedules_connector ON schedules (tenant_id, connector_id);

-- Correlation.

CREATE TABLE rule_sets (
    tenant_id uuid NOT NULL,
    connector_id uuid NOT NULL,
    version integer NOT NULL,
    rules jsonb NOT NULL,
    is_active boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    PRIMARY KEY (tenant_id, connector_id, version)
);

CREATE UNIQUE INDEX rule_set_active ON rule_sets (tenant_id, connector_id) WHERE is_active;

CREATE TABLE cases (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    connector_id uuid NOT NULL,
    -- "identity:<id>" when an identity looks for its account, "account:<id>" when an account looks for its owner
    subject text NOT NULL,
    identity_id uuid,
    account_id uuid,
    operation_id uuid,
    status text NOT NULL CHECK (status IN ('open', 'confirmed', 'rejected', 'closed')),
    -- [{ref_id, uid?, name, confidence, contributions: [...]}], best first
    candidates jsonb NOT NULL,
    explanation text NOT NULL,
    rule_set_version integer,
    created_at timestamptz NOT NULL,
    decided_at timestamptz,
    decided_by uuid,
    decision jsonb,
    PRIMARY KEY (tenant_id, id)
);

CREATE UNIQUE INDEX cases_open ON cases (tenant_id, connector_id, subject) WHERE status = 'open';

CREATE TABLE decisions (
    tenant_id uuid NOT NULL,
    connector_id uuid NOT NULL,
    account_id uuid NOT NULL,
    -- the nil id for "belongs to nobody"
    identity_id uuid NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('is', 'is_not', 'nobody')),
    evidence_hash bigint,
    decided_at timestamptz NOT NULL,
    decided_by uuid NOT NULL,
    PRIMARY KEY (tenant_id, connector_id, account_id, identity_id)
);

CREATE INDEX decisions_identity ON decisions (tenant_id, connector_id, identity_id);

-- Hooks.

CREATE TABLE hooks (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    active_version integer,
    suspended_at timestamptz,
    suspended_reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);

CREATE UNIQUE INDEX hooks_name ON hooks (tenant_id, name);

CREATE TABLE hook_versions (
    tenant_id uuid NOT NULL,
    hook_id uuid NOT NULL,
    version integer NOT NULL,
    source text NOT NULL,
    sha text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    PRIMARY KEY (tenant_id, hook_id, version)
);

CREATE TABLE bindings (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    hook_id uuid NOT NULL,
    connector_id uuid NOT NULL,
    object_class text NOT NULL DEFAULT 'user',
    phase text NOT NULL CHECK (phase IN ('before', 'after', 'on_error')),
    operation_types text[] NOT NULL,
    position integer NOT NULL DEFAULT 0,
    on_error text NOT NULL DEFAULT 'fail' CHECK (on_error IN ('fail', 'skip_hook', 'quarantine')),
    budget_ms integer,
    params jsonb NOT NULL DEFAULT '{}',
    enabled boolean NOT NULL DEFAULT true,
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX bindings_connector ON bindings (tenant_id, connector_id);

-- Events in.

CREATE TABLE inbox (
    tenant_id uuid NOT NULL,
    source text NOT NULL,
    event_id text NOT NULL,
    id uuid NOT NULL,
    type text NOT NULL,
    subject text,
    data jsonb NOT NULL,
    status text NOT NULL CHECK (status IN ('received', 'done', 'dropped', 'failed')),
    message text,
    correlation_id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    processed_at timestamptz,
    PRIMARY KEY (tenant_id, source, event_id)
);

CREATE INDEX inbox_received ON inbox (tenant_id, id) WHERE status = 'received';
CREATE INDEX inbox_time ON inbox (tenant_id, received_at);
