-- By which numbers of connectors people were last judged, for what several systems say of them. One row a tenant.
CREATE TABLE precedence_in_force (
    tenant_id uuid NOT NULL PRIMARY KEY,
    -- by the connector's id
    numbers jsonb NOT NULL,
    -- the numbers that everybody is judged by anew, and how far, in id order; NULL when all were
    next_numbers jsonb,
    judged_to uuid
);

GRANT SELECT, INSERT, UPDATE, DELETE ON precedence_in_force TO provisiond_worker;
