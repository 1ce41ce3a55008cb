-- Every webhook of the workspaces in view. Secrets stay where they are.
SELECT w.slug, h.id, h.url, h.kind, h.events, h.enabled, h.created_at,
       (SELECT count(*) FROM (
          SELECT FROM webhook_deliveries d
          WHERE d.webhook_id = h.id AND d.delivered_at IS NULL AND d.dead_at IS NULL LIMIT 1000
        ) waiting) AS waiting
FROM webhooks h
JOIN workspaces w ON w.id = h.workspace_id
ORDER BY w.slug, h.id
LIMIT 1000
