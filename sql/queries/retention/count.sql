-- How much is due by each policy, as far as 10,000 of each; nothing for a policy that is not set.
SELECT (SELECT count(*) FROM switchboard_due_conversations($1, 10000)) AS conversations,
       (SELECT count(*) FROM (SELECT FROM turn_steps t WHERE t.started_at < $2 AND NOT EXISTS (
          SELECT FROM workflow_states w WHERE w.conversation_id = t.conversation_id AND w.turn = t.turn AND w.reply_id IS NOT NULL
        ) LIMIT 10000) due) AS turn_steps,
       (SELECT count(*) FROM (SELECT FROM interactions i WHERE i.created_at < $3 AND NOT EXISTS (
          SELECT FROM escalations e WHERE e.conversation_id = i.conversation_id AND e.status <> 'resolved'
        ) LIMIT 10000) due) AS interactions,
       (SELECT count(*) FROM (SELECT FROM outbox o WHERE o.spread_at < $4 AND NOT EXISTS (
          SELECT FROM webhook_deliveries d WHERE d.outbox_id = o.id AND d.delivered_at IS NULL AND d.dead_at IS NULL
        ) LIMIT 10000) due) AS outbox,
       (SELECT count(*) FROM (SELECT FROM processing_failures WHERE last_at < $5 LIMIT 10000) due) AS processing_failures
