-- One page of what visitors said of answers, each as a line of JSON.
SELECT e.conversation_id AS id, e.message_id::text AS place, row_to_json(e)::text AS line
FROM (
  SELECT conversation_id, message_id, workspace_id, helpful, comment, created_at
  FROM message_feedback
  WHERE (conversation_id, message_id) > ($1, coalesce(nullif($2, ''), '00000000-0000-0000-0000-000000000000')::uuid)
  ORDER BY conversation_id, message_id
  LIMIT $3
) AS e
ORDER BY e.conversation_id, e.message_id
