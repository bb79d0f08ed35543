-- What running scripts leave behind: statistics, recorded calls, names that are taken.

-- Calls of each minute, by how they ended (ok, or the class of the failure). Every process adds to the same rows.
CREATE TABLE hook_stats (
    tenant_id uuid NOT NULL,
    hook_id uuid NOT NULL,
    minute timestamptz NOT NULL,
    version integer NOT NULL,
    class text NOT NULL,
    calls bigint NOT NULL,
    total_us bigint NOT NULL,
    -- calls by duration: the first of up to 64 microseconds, each of twice as long as the one before, the last of more
    histogram bigint[] NOT NULL,
    -- {class, message, line, column, ...} of the last failure, and when it was
    last_error jsonb,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, hook_id, minute, version, class)
);

CREATE INDEX hook_stats_minute ON hook_stats (tenant_id, minute);

-- Some of the calls as they were, without secrets: what a draft answers to the same can be compared.
CREATE TABLE hook_records (
    tenant_id uuid NOT NULL,
    hook_id uuid NOT NULL,
    id uuid NOT NULL,
    version integer NOT NULL,
    function text NOT NULL,
    context jsonb NOT NULL,
    -- {set, unset, tags, unique} | {"reject": {reason, code}} | {"skip": {reason}} | {"error": {class, message}}
    answer jsonb NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, hook_id, id)
);

-- Names that accounts have, or are about to get, because a hook offered them as unique. A row counts as long as its
-- account has the name or its operation lives; after that anybody may take it over.
CREATE TABLE taken_names (
    tenant_id uuid NOT NULL,
    connector_id uuid NOT NULL,
    object_class text NOT NULL,
    attribute text NOT NULL,
    -- SHA-256 of the name as it is compared
    value_hash bytea NOT NULL,
    value text NOT NULL,
    account_id uuid NOT NULL,
    operation_id uuid NOT NULL,
    -- how many names the target had refused before
    iteration integer NOT NULL DEFAULT 0,
    taken_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, connector_id, object_class, attribute, value_hash)
);

CREATE INDEX taken_names_account ON taken_names (tenant_id, account_id);
CREATE INDEX taken_names_operation ON taken_names (tenant_id, operation_id);
CREATE INDEX taken_names_age ON taken_names (tenant_id, taken_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON hook_stats, hook_records, taken_names TO provisiond_worker;
