-- Takes some messages of a conversation away, with what was said of them.
WITH gone AS (
  DELETE FROM messages
  WHERE workspace_id = $1 AND conversation_id = $2 AND seq IN (
    SELECT seq FROM messages WHERE conversation_id = $2 ORDER BY seq LIMIT $3)
  RETURNING id
), feedback AS (
  DELETE FROM message_feedback
  WHERE workspace_id = $1 AND conversation_id = $2 AND message_id IN (SELECT id FROM gone)
)
SELECT count(*) AS gone FROM gone
