-- What reconciliation looks up beyond step 5.

-- Whose accounts a delta has to look at again: the people who changed since the last run.
CREATE INDEX identities_updated ON identities (tenant_id, updated_at);
