-- One page of all turns, each as a line of JSON.
SELECT e.id AS id, '' AS place, row_to_json(e)::text AS line
FROM (
  SELECT id, workspace_id, conversation_id, turn, mode, agent_name, user_message, response, intent, category, confidence,
         outcome, escalated, trigger_type, reason, brain, processing_time_ms, detail, created_at
  FROM interactions
  WHERE id > $1 AND $2 = ''
  ORDER BY id
  LIMIT $3
) AS e
ORDER BY e.id
