-- One page of what agents remember, each as a line of JSON.
SELECT e.conversation_id AS id, e.agent_name AS place, row_to_json(e)::text AS line
FROM (
  SELECT conversation_id, agent_name, workspace_id, turn, state, updated_at
  FROM agent_states
  WHERE (conversation_id, agent_name) > ($1, $2)
  ORDER BY conversation_id, agent_name
  LIMIT $3
) AS e
ORDER BY e.conversation_id, e.agent_name
