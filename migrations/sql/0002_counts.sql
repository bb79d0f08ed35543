-- How many operations ended, so that totals need not read the archive. Whoever archives operations adds a row for each
-- second of their making, connector, type and status; a duty folds the rows of one kind together, and seconds to minutes
-- and hours of which few were made. Parted by the same days as the archive and dropped with them.
CREATE TABLE operation_counts (
    tenant_id uuid NOT NULL,
    completed_day date NOT NULL,
    -- the lowest of the operations counted here, each of which ends once, and the highest: between them they are found
    id uuid NOT NULL,
    last_id uuid NOT NULL,
    -- where the time begins that they were made in, and how long it is: a second, a minute or an hour
    made_at timestamptz NOT NULL,
    seconds integer NOT NULL DEFAULT 1,
    connector_id uuid NOT NULL,
    operation_type text NOT NULL,
    status text NOT NULL,
    n bigint NOT NULL,
    PRIMARY KEY (tenant_id, completed_day, id)
) PARTITION BY RANGE (completed_day);

CREATE TABLE operation_counts_rest PARTITION OF operation_counts DEFAULT;
GRANT SELECT, INSERT, UPDATE, DELETE ON operation_counts TO provisiond_worker;

-- How many operations live: as many more when they are accepted or come back, as many less when they end or are given up.
-- Folded by the same duty, and set right by it from time to time, for a process of the step before counts nothing.
CREATE TABLE live_counts (
    tenant_id uuid NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    made_at timestamptz NOT NULL,
    seconds integer NOT NULL DEFAULT 1,
    -- as above, of what came; what goes is found by the row of its coming
    first_id uuid,
    last_id uuid,
    connector_id uuid NOT NULL,
    operation_type text NOT NULL,
    n bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON live_counts TO provisiond_worker;

-- What was archived before there were counts, or by a process of the step before, is counted where it is.
ALTER TABLE operations_archive ADD COLUMN is_counted boolean NOT NULL DEFAULT false;
CREATE INDEX operations_archive_uncounted ON operations_archive (tenant_id, connector_id, operation_type, status)
    WHERE NOT is_counted;

-- A person's live operations are found by their accounts; beside them, by the accounts that hold, or have held, some of
-- other people than their owner: there are few.
ALTER TABLE accounts ADD COLUMN has_others boolean NOT NULL DEFAULT false;
CREATE INDEX accounts_with_others ON accounts (tenant_id, id) WHERE has_others;

-- Dead letters by cause, without reading them.
CREATE INDEX dead_letters_causes ON dead_letters (tenant_id, connector_id, error_code, dead_at) INCLUDE (operation_type);
-- What a run asked for, among a million that others did.
CREATE INDEX operations_archive_run ON operations_archive (tenant_id, run_id) WHERE run_id IS NOT NULL;
-- What ended otherwise than well, among a million that did.
CREATE INDEX operations_archive_called_off ON operations_archive (tenant_id, status, id) WHERE status <> 'completed';
