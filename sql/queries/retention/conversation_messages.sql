-- Messages of the conversations that go first, each as a line of the export. From the end of a log backwards: whatever
-- interrupts this, what is left counts 1, 2, 3 …
SELECT conversation_id AS id, seq AS number, '' AS name, json_build_object(
    'conversation_id', conversation_id, 'seq', seq, 'id', id, 'client_id', client_id, 'workspace_id', workspace_id,
    'role', role, 'agent_name', agent_name, 'author_id', author_id, 'author_name', author_name, 'content', content,
    'citations', citations, 'attachments', attachments, 'metadata', metadata, 'created_at', created_at
  )::text AS line
FROM messages
WHERE conversation_id IN (SELECT switchboard_due_conversations($1, 50))
ORDER BY conversation_id, seq DESC
LIMIT $2
