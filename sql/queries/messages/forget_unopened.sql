-- Some of what a run that was cut short has left of a long log: its conversation has no row yet.
DELETE FROM messages
WHERE workspace_id = $1 AND conversation_id = $2
  AND seq IN (SELECT seq FROM messages WHERE workspace_id = $1 AND conversation_id = $2 ORDER BY seq LIMIT $3)
  AND NOT EXISTS (SELECT FROM conversations WHERE workspace_id = $1 AND id = $2)
RETURNING seq
