-- Parts of a target's listing, which several processes work on at the same time.

CREATE TABLE run_ranges (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    -- from 1 on, in the order of the listing; together they hold every object, also one that is made meanwhile
    number integer NOT NULL CHECK (number BETWEEN 1 AND 64),
    -- behind the one mark and up to the other; NULL: from the beginning, to the end
    after text,
    upto text,
    -- the fence of whoever lists it now
    owner uuid,
    epoch bigint NOT NULL DEFAULT 0,
    is_over boolean NOT NULL DEFAULT false,
    processed bigint NOT NULL DEFAULT 0,
    -- what was found and noted here that the run does not count yet
    tally jsonb NOT NULL DEFAULT '{}',
    facts jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant_id, run_id, number)
) WITH (fillfactor = 70);

GRANT SELECT, INSERT, UPDATE, DELETE ON run_ranges TO provisiond_worker;

-- A daemon of the step before asks for the kinds that it knows, and leaves this one alone.
ALTER TABLE due_work DROP CONSTRAINT due_work_kind_check;
ALTER TABLE due_work ADD CONSTRAINT due_work_kind_check
    CHECK (kind IN ('claim', 'plan', 'schedule', 'run', 'inbox', 'outbox', 'retention', 'repair', 'range'));
