-- One page of what staff told each other, each as a line of JSON.
SELECT e.conversation_id AS id, e.seq::text AS place, row_to_json(e)::text AS line
FROM (
  SELECT conversation_id, seq, id, client_id, workspace_id, author_id, author_name, content, attachments, metadata,
         created_at
  FROM notes
  WHERE (conversation_id, seq) > ($1, coalesce(nullif($2, ''), '0')::bigint)
  ORDER BY conversation_id, seq
  LIMIT $3
) AS e
ORDER BY e.conversation_id, e.seq
