-- Turns from elsewhere, of conversations that nobody can open yet: beside a conversation that is here a turn might take
-- the number of one of its own.
WITH come AS (
  SELECT *
  FROM jsonb_to_recordset($2)
    AS i (ord int, id uuid, conversation_id uuid, turn bigint, mode text, agent_name text, user_message text,
          response text, intent text, category text, confidence real, outcome text, escalated boolean, trigger_type text,
          reason text, brain text, processing_time_ms bigint, detail jsonb, created_at timestamptz)
), added AS (
  INSERT INTO interactions (workspace_id, id, conversation_id, turn, mode, agent_name, user_message, response, intent,
                            category, confidence, outcome, escalated, trigger_type, reason, brain, processing_time_ms,
                            detail, created_at)
  SELECT $1, id, conversation_id, turn, mode, agent_name, user_message, response, intent, category, confidence, outcome,
         escalated, trigger_type, reason, brain, processing_time_ms, detail, created_at
  FROM come n
  WHERE NOT EXISTS (SELECT FROM conversations c WHERE c.workspace_id = $1 AND c.id = n.conversation_id)
  ON CONFLICT DO NOTHING
  RETURNING id
)
SELECT c.ord, CASE WHEN a.id IS NOT NULL THEN 'new' WHEN i.id IS NOT NULL THEN 'known' ELSE 'taken' END AS state
FROM come c
LEFT JOIN added a ON a.id = c.id
LEFT JOIN interactions i ON i.workspace_id = $1 AND i.id = c.id
