-- Rule sets that people edit, and what the engine learns from their decisions.

ALTER TABLE rule_sets ADD COLUMN note text NOT NULL DEFAULT '';

-- Which version was in force when: going back means the one before. Version 0 is the rules that we ship.
CREATE TABLE rule_set_activations (
    tenant_id uuid NOT NULL,
    connector_id uuid NOT NULL,
    activated_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL,
    activated_by uuid,
    PRIMARY KEY (tenant_id, connector_id, activated_at)
);

INSERT INTO rule_set_activations (tenant_id, connector_id, activated_at, version, activated_by)
SELECT tenant_id, connector_id, created_at, version, created_by FROM rule_sets WHERE is_active;

GRANT SELECT, INSERT ON rule_set_activations TO provisiond_worker;
