-- Notes after a number, or the latest; in their order.
SELECT * FROM (
  SELECT conversation_id, seq, id, client_id, author_id, author_name, content, attachments, metadata, created_at
  FROM notes
  WHERE workspace_id = $1 AND conversation_id = $2 AND seq > coalesce($3, 0)
  ORDER BY CASE WHEN $3::bigint IS NULL THEN -seq ELSE seq END
  LIMIT $4
) page
ORDER BY seq
