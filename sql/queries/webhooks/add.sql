-- A webhook, where its workspace has fewer than $7 of them.
INSERT INTO webhooks (workspace_id, id, url, kind, secret, events, created_at)
SELECT $1, $2, $3, $4, $5, $6, $8
WHERE (SELECT count(*) FROM webhooks WHERE workspace_id = $1) < $7
RETURNING id
