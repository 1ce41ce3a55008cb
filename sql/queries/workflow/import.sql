-- Where the workflows of an older desk stood, of conversations that nobody can open yet. No turn is open in them.
WITH come AS (
  SELECT *
  FROM jsonb_to_recordset($2)
    AS w (ord int, conversation_id uuid, workflow_type text, turn bigint, step text, checkpoint_version int2,
          checkpoint jsonb, updated_at timestamptz)
), added AS (
  INSERT INTO workflow_states (conversation_id, workspace_id, workflow_type, turn, step, checkpoint_version, checkpoint,
                               updated_at)
  SELECT conversation_id, $1, workflow_type, turn, step, checkpoint_version, checkpoint, updated_at
  FROM come n
  WHERE NOT EXISTS (SELECT FROM conversations c WHERE c.workspace_id = $1 AND c.id = n.conversation_id)
  ON CONFLICT (conversation_id) DO NOTHING
  RETURNING conversation_id
)
SELECT c.ord,
       CASE WHEN a.conversation_id IS NOT NULL THEN 'new' WHEN w.conversation_id IS NOT NULL THEN 'known'
            ELSE 'taken' END AS state
FROM come c
LEFT JOIN added a ON a.conversation_id = c.conversation_id
LEFT JOIN workflow_states w ON w.workspace_id = $1 AND w.conversation_id = c.conversation_id
