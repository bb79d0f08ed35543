-- Mappings as people edit them: notes, who switched when, and dry runs of what switching would do.

ALTER TABLE mapping_versions ADD COLUMN note text NOT NULL DEFAULT '';

-- Which version was active when: going back means the one before.
CREATE TABLE mapping_activations (
    tenant_id uuid NOT NULL,
    connector_id uuid NOT NULL,
    object_class text NOT NULL,
    activated_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL,
    activated_by uuid,
    PRIMARY KEY (tenant_id, connector_id, object_class, activated_at)
);

INSERT INTO mapping_activations (tenant_id, connector_id, object_class, activated_at, version, activated_by)
SELECT tenant_id, connector_id, object_class, created_at, version, created_by FROM mapping_versions WHERE is_active;

-- What a version would do to everybody at its target: counted a page of people at a time, by whoever plans.
CREATE TABLE mapping_previews (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    connector_id uuid NOT NULL,
    object_class text NOT NULL,
    version integer NOT NULL,
    -- the version that was active when this was asked for
    base_version integer,
    -- the scope to count with; NULL is that of the connector
    scope text,
    status text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    -- how many people there are, how many were looked at, and the last of those in id order
    people_total bigint,
    people_done bigint NOT NULL DEFAULT 0,
    done_to uuid,
    -- {"operations": {type: n}, "attributes": {name: n}, "errors": n, "unchanged": n, "removals": n, "protected": n}
    counts jsonb NOT NULL DEFAULT '{}',
    -- some people of each kind, with what would be sent
    samples jsonb NOT NULL DEFAULT '[]',
    -- what the safeguard would say: {"removals", "used", "limit", "held"}
    verdict jsonb,
    error_message text,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX mapping_previews_of ON mapping_previews (tenant_id, connector_id, id);
CREATE INDEX mapping_previews_live ON mapping_previews (tenant_id, id) WHERE status IN ('pending', 'running');

GRANT SELECT, INSERT ON mapping_activations TO provisiond_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON mapping_previews TO provisiond_worker;
