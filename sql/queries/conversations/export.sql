-- One page of all conversations, each as a line of JSON.
SELECT e.id AS id, '' AS place, row_to_json(e)::text AS line
FROM (
  SELECT id, workspace_id, user_id, session_id, status, owner, mode, assignee_id, assignee_name, escalation_id,
         escalation_status, rating, rating_comment, version, owner_epoch, user_read_seq, staff_read_seq, metadata,
         created_at, updated_at
  FROM conversations
  WHERE id > $1 AND $2 = ''
  ORDER BY id
  LIMIT $3
) AS e
ORDER BY e.id
