-- Sealed values on their way out, and attributes of identities that come back from targets.

-- What an account was given last of each secret attribute: {name: fingerprint}, and {"hook name": …} of what a hook set.
-- A keyed hash: it tells one value from another and gives none away.
ALTER TABLE accounts ADD COLUMN secret_marks jsonb;

-- What each system said last about attributes of people that mappings let in from targets. Who is believed is in
-- identities.authority.
CREATE TABLE identity_sources (
    tenant_id uuid NOT NULL,
    identity_id uuid NOT NULL,
    attribute text NOT NULL,
    -- the id of a connector, or "event:<source>"
    source text NOT NULL,
    value jsonb NOT NULL,
    -- the run that brought it; none for an event, and for what was known before anybody else had a word
    run_id uuid,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, identity_id, attribute, source)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON identity_sources TO provisiond_worker;

-- Which versions let anything in: every page of an import asks, and mostly there is none.
CREATE INDEX mapping_versions_inbound ON mapping_versions (tenant_id, connector_id)
    WHERE rules @> '[{"direction": "inbound"}]' OR rules @> '[{"direction": "both"}]';
