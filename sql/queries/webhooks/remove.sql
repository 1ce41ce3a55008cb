-- A webhook and all that was on its way to it.
DELETE FROM webhooks WHERE id = $1 RETURNING workspace_id
