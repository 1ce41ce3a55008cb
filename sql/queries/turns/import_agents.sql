-- What agents of an older desk remembered, of conversations that nobody can open yet.
WITH come AS (
  SELECT *
  FROM jsonb_to_recordset($2)
    AS s (ord int, conversation_id uuid, agent_name text, turn bigint, state jsonb, updated_at timestamptz)
), added AS (
  INSERT INTO agent_states (conversation_id, agent_name, workspace_id, turn, state, updated_at)
  SELECT conversation_id, agent_name, $1, turn, state, updated_at
  FROM come n
  WHERE NOT EXISTS (SELECT FROM conversations c WHERE c.workspace_id = $1 AND c.id = n.conversation_id)
  ON CONFLICT DO NOTHING
  RETURNING conversation_id, agent_name
)
SELECT c.ord,
       CASE WHEN a.agent_name IS NOT NULL THEN 'new' WHEN s.agent_name IS NOT NULL THEN 'known' ELSE 'taken' END AS state
FROM come c
LEFT JOIN added a ON a.conversation_id = c.conversation_id AND a.agent_name = c.agent_name
LEFT JOIN agent_states s
  ON s.workspace_id = $1 AND s.conversation_id = c.conversation_id AND s.agent_name = c.agent_name
