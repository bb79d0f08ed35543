-- Blocking keys of people: whose an account is can be looked up, whatever the number of people.

-- A key is a number of what a rule reads of a person; rules of several targets that read the same share them.
CREATE TABLE identity_keys (
    tenant_id uuid NOT NULL,
    hash bigint NOT NULL,
    identity_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, hash, identity_id)
);

CREATE INDEX identity_keys_of ON identity_keys (tenant_id, identity_id);

-- What keys everybody has ("made": numbers of what rule sets read of people), and which are on their way, as far as the
-- person "made_to"; who changes meanwhile stands in recorrelations.
CREATE TABLE identity_key_states (
    tenant_id uuid PRIMARY KEY,
    made bigint[] NOT NULL DEFAULT '{}',
    making bigint[] NOT NULL DEFAULT '{}',
    made_to uuid,
    updated_at timestamptz NOT NULL DEFAULT now()
);

GRANT SELECT, INSERT, DELETE ON identity_keys TO provisiond_worker;
GRANT SELECT, INSERT, UPDATE ON identity_key_states TO provisiond_worker;
