-- In which order claims find what is ready.

-- A claim goes on where the one before it stopped, so that it need not pass the dead entries of what was claimed
-- already; so the order must be that of becoming ready, and one comparison of rows must express it.
ALTER TABLE operations
    ADD COLUMN ready_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN urgency smallint NOT NULL GENERATED ALWAYS AS (-priority) STORED;

CREATE INDEX operations_claimable ON operations (tenant_id, connector_id, urgency, ready_at, id)
    WHERE status = 'pending' AND head AND crashed_leases = 0;

-- Retries of the emergency lane, however many others are due.
CREATE INDEX operations_urgent_due ON operations (tenant_id, connector_id, next_retry_at)
    WHERE status = 'failed' AND head AND priority >= 100;

-- The key of history finds a row by its id alone, which its day and its id could not: one index less for each row.
ALTER TABLE operations_archive DROP CONSTRAINT operations_archive_pkey;
DROP INDEX operations_archive_id;
ALTER TABLE operations_archive ADD PRIMARY KEY (tenant_id, id, completed_day);
DROP INDEX operations_archive_uid;
CREATE INDEX operations_archive_uid ON operations_archive (tenant_id, target_uid text_pattern_ops)
    WHERE target_uid IS NOT NULL;
