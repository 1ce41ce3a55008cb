-- The note that has a client_id, for a message that wants it.
SELECT conversation_id, seq, id, client_id, author_id, author_name, content, attachments, metadata, created_at
FROM notes WHERE workspace_id = $1 AND conversation_id = $2 AND client_id = $3
