-- What reconciliation looks up beyond step 5.

-- Whose accounts a delta has to look at again: the people who changed since the last run.
CREATE INDEX identities_updated ON identities (tenant_id, updated_at);

-- What is still open about the accounts that a delta has looked at.
CREATE INDEX discrepancies_account ON discrepancies (tenant_id, account_id)
    WHERE account_id IS NOT NULL AND resolution_status IN ('pending', 'ignored');
