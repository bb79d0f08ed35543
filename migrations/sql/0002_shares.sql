-- What processes share of a target: its slots and its rate. One row per target, which each process writes every few
-- seconds while it works on it; nothing of it is read or written for a single operation.

CREATE TABLE target_shares (
    tenant_id uuid NOT NULL,
    connector_id uuid NOT NULL,
    holders jsonb NOT NULL DEFAULT '[]',  -- per process: slots and rate it may use, until when
    ramp integer NOT NULL DEFAULT 1,      -- calls at once while the target comes back
    held_until timestamptz,               -- the target asked everybody to wait
    PRIMARY KEY (tenant_id, connector_id)
) WITH (fillfactor = 50);

GRANT SELECT, INSERT, UPDATE, DELETE ON target_shares TO provisiond_worker;
