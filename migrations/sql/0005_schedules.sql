-- What schedules keep beyond step 4.

-- When nothing is to begin: [{"starts": "22:00", "ends": "06:00", "weekdays": [0, 6]}], in the zone of the schedule.
ALTER TABLE schedules ADD COLUMN blackouts jsonb NOT NULL DEFAULT '[]';

-- What became of each occurrence. The run of one that started is unique by itself (runs_fired).
CREATE TABLE schedule_occurrences (
    tenant_id uuid NOT NULL,
    schedule_id uuid NOT NULL,
    fire_at timestamptz NOT NULL,
    decided_at timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('started', 'skipped')),
    -- why no run began: a code, and the sentence for people
    reason text,
    message text,
    -- the run that began, or the one that stood in the way
    run_id uuid,
    -- how many later occurrences were decided with it
    passed integer NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, schedule_id, fire_at)
);

GRANT SELECT, INSERT, DELETE ON schedule_occurrences TO provisiond_worker;
