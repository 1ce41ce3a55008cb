-- A note under the next number of its conversation, written one at a time by the room that owns it; the primary key
-- holds against anybody else. A client_id that is taken, by a note or by a message, gives what has it instead.
WITH held AS (
  SELECT id, workspace_id FROM conversations WHERE workspace_id = $1 AND id = $2
), added AS (
  INSERT INTO notes (conversation_id, seq, id, client_id, workspace_id, author_id, author_name, content, attachments,
                     metadata, created_at)
  SELECT h.id, 1 + coalesce((SELECT max(seq) FROM notes WHERE conversation_id = h.id), 0), $3, $4, h.workspace_id, $5, $6,
         $7, $8, $9, $10
  FROM held h
  WHERE NOT EXISTS (SELECT FROM notes WHERE conversation_id = h.id AND client_id = $4)
    AND NOT EXISTS (SELECT FROM messages WHERE conversation_id = h.id AND client_id = $4)
  RETURNING *
)
SELECT conversation_id, seq, id, client_id, author_id, author_name, content, attachments, metadata, created_at,
       false AS known, true AS private
FROM added
UNION ALL
SELECT conversation_id, seq, id, client_id, author_id, author_name, content, attachments, metadata, created_at,
       true AS known, true AS private
FROM notes WHERE workspace_id = $1 AND conversation_id = $2 AND client_id = $4
UNION ALL
SELECT conversation_id, seq, id, client_id, author_id, author_name, content, attachments, metadata, created_at,
       true AS known, false AS private
FROM messages WHERE workspace_id = $1 AND conversation_id = $2 AND client_id = $4
