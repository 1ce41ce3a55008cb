-- One webhook, with what a delivery needs.
SELECT workspace_id, id, url, kind, secret FROM webhooks WHERE id = $1
