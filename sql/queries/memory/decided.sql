-- The agent's last turns in a conversation, the latest first, each with the passages that it had before it.
SELECT i.turn, i.agent_name, i.intent, i.category, i.confidence, i.outcome, i.trigger_type, i.brain,
       i.processing_time_ms, s.output AS passages
FROM interactions i
LEFT JOIN turn_steps s ON s.conversation_id = i.conversation_id AND s.turn = i.turn AND s.step = 'retrieve'
WHERE i.workspace_id = $1 AND i.conversation_id = $2
ORDER BY i.turn DESC
LIMIT $3
