-- In which order claims find what is ready.

-- A claim goes on where the one before it stopped, so that it need not pass the dead entries of what was claimed
-- already; so the order must be that of becoming ready, and one comparison of rows must express it.
--
-- A claim changes no column that an index knows: so it writes no index, where the page has room for the row's next
-- version. What is claimed stays in the index of what is ready, and is passed over. What neither is ready nor runs
-- rests, in the state given.
ALTER TABLE operations
    ADD COLUMN ready_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN urgency smallint NOT NULL GENERATED ALWAYS AS (-priority) STORED,
    ADD COLUMN rests text GENERATED ALWAYS AS (CASE WHEN status NOT IN ('pending', 'in_progress') THEN status END) STORED,
    SET (fillfactor = 45);

CREATE INDEX operations_claimable ON operations (tenant_id, connector_id, urgency, ready_at, id)
    WHERE rests IS NULL AND head AND crashed_leases = 0;
CREATE INDEX operations_retries ON operations (tenant_id, connector_id, next_retry_at) WHERE rests IS NOT NULL AND head;
-- Retries of the emergency lane, however many others are due.
CREATE INDEX operations_urgent_due ON operations (tenant_id, connector_id, next_retry_at)
    WHERE rests IS NOT NULL AND head AND priority >= 100;
CREATE INDEX operations_unapproved ON operations (tenant_id, approval_id, id)
    WHERE rests IS NOT NULL AND wait_reason = 'approval';
CREATE INDEX operations_undecided ON operations (tenant_id, case_id) WHERE rests IS NOT NULL AND wait_reason = 'case';
-- What is shown as failed or waiting, and how many.
CREATE INDEX operations_resting ON operations (tenant_id, rests, connector_id) WHERE rests IS NOT NULL;

-- What processes hold: a row for each claim, gone some time after the last of its operations has ended. Whether an
-- operation is still held its own row says; this finds it.
CREATE TABLE claims (
    tenant_id uuid NOT NULL,
    owner uuid NOT NULL,
    id uuid NOT NULL,
    operation_ids uuid[] NOT NULL,
    PRIMARY KEY (tenant_id, owner, id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- Ids do not get smaller by being compressed.
ALTER TABLE claims ALTER COLUMN operation_ids SET STORAGE EXTERNAL;
GRANT SELECT, INSERT, DELETE ON claims TO provisiond_worker;

-- A process of the step before does not note what it claims: what a dead one held has to be looked for everywhere.
ALTER TABLE workers ADD COLUMN notes_claims boolean NOT NULL DEFAULT false;

-- The key of history finds a row by its id alone, which its day and its id could not: one index less for each row.
ALTER TABLE operations_archive DROP CONSTRAINT operations_archive_pkey;
DROP INDEX operations_archive_id;
ALTER TABLE operations_archive ADD PRIMARY KEY (tenant_id, id, completed_day);
DROP INDEX operations_archive_uid;
CREATE INDEX operations_archive_uid ON operations_archive (tenant_id, target_uid text_pattern_ops)
    WHERE target_uid IS NOT NULL;
