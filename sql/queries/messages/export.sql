-- One page of all logs in order, each entry as a line of JSON.
SELECT conversation_id, seq, json_build_object(
    'conversation_id', conversation_id, 'seq', seq, 'id', id, 'client_id', client_id, 'workspace_id', workspace_id,
    'role', role, 'agent_name', agent_name, 'author_id', author_id, 'author_name', author_name, 'content', content,
    'citations', citations, 'attachments', attachments, 'metadata', metadata, 'created_at', created_at
  )::text AS line
FROM messages
WHERE (conversation_id, seq) > ($1, $2)
ORDER BY conversation_id, seq
LIMIT $3
