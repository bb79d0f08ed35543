-- name: set_config
UPDATE connectors SET config = :config, version = version + 1, updated_at = db_now()
WHERE tenant_id = :tenant_id AND id = :connector_id

-- name: is_provisioned
-- Every target has been listed, nobody is left to plan, and no operation is left but those that wait for a person.
SELECT NOT EXISTS (SELECT 1 FROM connectors WHERE tenant_id = :tenant_id AND is_target AND baseline_at IS NULL)
   AND EXISTS (SELECT 1 FROM identities WHERE tenant_id = :tenant_id)
   AND NOT EXISTS (SELECT 1 FROM plan_items WHERE tenant_id = :tenant_id)
   AND NOT EXISTS (SELECT 1 FROM runs WHERE tenant_id = :tenant_id AND status IN ('pending', 'running'))
   AND NOT EXISTS (SELECT 1 FROM operations WHERE tenant_id = :tenant_id AND NOT
                   (status = 'awaiting_system' AND wait_reason IN ('case', 'approval')))

-- name: lose_account
-- What a restored backup would do: the object is there, our record of it is not.
DELETE FROM accounts
WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND uid = :uid AND live = 0
