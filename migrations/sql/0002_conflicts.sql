-- Operations of one account that disagree, or one that disagrees with its target.
CREATE TABLE conflicts (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    connector_id uuid NOT NULL,
    account_id uuid NOT NULL,
    -- the older one
    operation_id_a uuid NOT NULL,
    -- none where the target is the other side
    operation_id_b uuid,
    conflict_type text NOT NULL
        CHECK (conflict_type IN ('concurrent_update', 'stale_data', 'missing_target', 'external_change')),
    affected_attributes text[] NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'resolved')),
    outcome text CHECK (outcome IN ('applied', 'superseded', 'merged', 'rejected')),
    strategy text NOT NULL CHECK (strategy IN ('last_write_wins', 'first_write_wins', 'merge', 'manual')),
    notes text,
    created_at timestamptz NOT NULL,
    resolved_at timestamptz,
    resolved_by uuid,
    PRIMARY KEY (tenant_id, id),
    CHECK ((status = 'resolved') = (outcome IS NOT NULL) AND (status = 'resolved') = (resolved_at IS NOT NULL))
);

-- A try that is repeated, or a daemon that died, finds the same conflict again.
CREATE UNIQUE INDEX conflicts_once ON conflicts (tenant_id, operation_id_a, conflict_type, operation_id_b)
    NULLS NOT DISTINCT;
CREATE INDEX conflicts_of_newer ON conflicts (tenant_id, operation_id_b) WHERE operation_id_b IS NOT NULL;
CREATE INDEX conflicts_pending ON conflicts (tenant_id, id) WHERE status = 'pending';

GRANT SELECT, INSERT, UPDATE, DELETE ON conflicts TO provisiond_worker;
