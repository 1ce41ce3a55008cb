-- Switches a webhook on or off; what waits for it goes on waiting.
UPDATE webhooks SET enabled = $2 WHERE id = $1 RETURNING workspace_id
