-- name: wait
-- Put down until its target may be back; what it has come to stays.
UPDATE runs SET status = 'paused', pause_reason = 'target', owner = NULL, error_message = :error_message,
    statistics = statistics || :facts::jsonb
WHERE tenant_id = :tenant_id AND id = :id AND owner = :owner AND epoch = :epoch AND status = 'running'
RETURNING *
