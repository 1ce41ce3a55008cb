-- When the next delivery is due, and how many wait, counted no further than $1.
SELECT (SELECT min(d.next_at)
        FROM webhooks w
        CROSS JOIN LATERAL (
          SELECT next_at FROM webhook_deliveries
          WHERE webhook_id = w.id AND delivered_at IS NULL AND dead_at IS NULL
          ORDER BY next_at
          LIMIT 1
        ) d
        WHERE w.enabled) AS next_at,
       (SELECT count(*) FROM (
          SELECT FROM webhooks w
          JOIN webhook_deliveries d ON d.webhook_id = w.id
          WHERE d.delivered_at IS NULL AND d.dead_at IS NULL
          LIMIT $1
        ) waiting) AS waiting
