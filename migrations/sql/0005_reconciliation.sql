-- What runs and findings keep beyond step 4.

ALTER TABLE discrepancies
    -- what makes the actual values out of the expected ones, an entry an attribute: '["mail", "domain", "a.org > b.org"]'
    ADD COLUMN causes text[] NOT NULL DEFAULT '{}',
    -- a person took its repair back: no policy does it again while it is found
    ADD COLUMN undone_at timestamptz;

-- Counting a million findings by kind reads this alone; equal entries are stored once.
CREATE INDEX discrepancies_kinds ON discrepancies (tenant_id, connector_id, resolution_status, discrepancy_type);
CREATE INDEX discrepancies_put_aside ON discrepancies (tenant_id, ignored_until)
    WHERE resolution_status = 'ignored' AND ignored_until IS NOT NULL;

-- One approval for all findings of one cause: carried out a batch at a time, by whichever daemon comes for it.
CREATE TABLE cause_repairs (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    connector_id uuid NOT NULL,
    -- the run whose findings are meant; NULL: whichever run found them
    run_id uuid,
    -- those of discrepancies.causes that a person approved; a finding with any other is left alone
    causes text[] NOT NULL,
    action text NOT NULL,
    direction text NOT NULL,
    status text NOT NULL CHECK (status IN ('running', 'completed', 'cancelled')),
    -- how many there were when it was approved, and the last one that was dealt with in id order
    total bigint NOT NULL,
    done_to uuid,
    succeeded bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,
    -- an approval of the safeguard that some of it waits for
    approval_id uuid,
    created_at timestamptz NOT NULL,
    created_by uuid NOT NULL,
    updated_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);

CREATE UNIQUE INDEX cause_repairs_live ON cause_repairs (tenant_id, connector_id) WHERE status = 'running';
CREATE INDEX cause_repairs_of ON cause_repairs (tenant_id, connector_id, id);

-- How many findings were open when a day was last looked at: its end, for every day but today.
CREATE TABLE discrepancy_days (
    tenant_id uuid NOT NULL,
    connector_id uuid NOT NULL,
    day date NOT NULL,
    -- {kind: n}
    open jsonb NOT NULL,
    PRIMARY KEY (tenant_id, connector_id, day)
);

GRANT SELECT, INSERT, UPDATE ON cause_repairs TO provisiond_worker;
GRANT SELECT, INSERT, UPDATE ON discrepancy_days TO provisiond_worker;

-- A daemon of the step before asks for the kinds that it knows, and leaves this one alone.
ALTER TABLE due_work DROP CONSTRAINT due_work_kind_check;
ALTER TABLE due_work ADD CONSTRAINT due_work_kind_check
    CHECK (kind IN ('claim', 'plan', 'schedule', 'run', 'inbox', 'outbox', 'retention', 'repair'));
