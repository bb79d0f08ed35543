-- What hooks want to follow from an operation that succeeded: written with its end, and accepted when it is due.
-- "number" counts those of one hook; "depth" is how many follow-ups lie between it and what somebody else wanted, itself
-- counted; "made_id" is the operation that it became. Values are kept until then alone.
CREATE TABLE follow_ups (
    tenant_id uuid NOT NULL,
    operation_id uuid NOT NULL,
    hook_id uuid NOT NULL,
    number integer NOT NULL,
    hook_name text NOT NULL,
    identity_id uuid NOT NULL,
    connector_id uuid NOT NULL,
    object_class text NOT NULL,
    type text NOT NULL CHECK (type IN ('update', 'enable', 'disable')),
    attributes jsonb,
    correlation_id uuid,
    depth integer NOT NULL,
    status text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'accepted', 'refused')),
    note text,
    made_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (tenant_id, operation_id, hook_id, number)
);
CREATE INDEX follow_ups_due ON follow_ups (tenant_id, due_at) WHERE status = 'waiting';
CREATE INDEX follow_ups_made ON follow_ups (tenant_id, made_id) WHERE made_id IS NOT NULL;
CREATE INDEX follow_ups_ended ON follow_ups (tenant_id, ended_at) WHERE ended_at IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON follow_ups TO provisiond_worker;

-- A daemon of the step before asks for the kinds that it knows, and leaves this one alone.
ALTER TABLE due_work DROP CONSTRAINT due_work_kind_check;
ALTER TABLE due_work ADD CONSTRAINT due_work_kind_check
    CHECK (kind IN ('claim', 'plan', 'schedule', 'run', 'inbox', 'outbox', 'retention', 'repair', 'range', 'follow_up'));
