-- What the agents remember of a conversation.
SELECT agent_name, turn, state, updated_at FROM agent_states
WHERE workspace_id = $1 AND conversation_id = $2
ORDER BY agent_name
LIMIT 100
