-- What is kept of reconciliation, and how what is old is found without reading what is not.

CREATE INDEX discrepancies_settled ON discrepancies (tenant_id, resolved_at) WHERE resolution_status = 'resolved';

CREATE INDEX recon_actions_proposed ON recon_actions (tenant_id, id) WHERE dry_run;
