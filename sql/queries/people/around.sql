-- What is stored around the log of a conversation, a line of JSON each.
SELECT json_build_object(
    'kind', 'conversation', 'id', id, 'session_id', session_id, 'status', status, 'mode', mode,
    'assignee_name', assignee_name, 'rating', rating, 'rating_comment', rating_comment, 'metadata', metadata,
    'created_at', created_at, 'updated_at', updated_at)::text AS line
FROM conversations WHERE workspace_id = $1 AND id = $2
UNION ALL
(SELECT json_build_object(
    'kind', 'escalation', 'id', id, 'conversation_id', conversation_id, 'issue_type', issue_type,
    'trigger_type', trigger_type, 'reason', reason, 'original_request', original_request, 'status', status,
    'contact_info', contact_info, 'conversation_context', conversation_context, 'summary', summary,
    'assignee_name', assignee_name, 'resolution', resolution, 'created_at', created_at, 'resolved_at', resolved_at)::text
 FROM escalations WHERE workspace_id = $1 AND conversation_id = $2 ORDER BY id LIMIT 1000)
UNION ALL
SELECT json_build_object(
    'kind', 'workflow_state', 'conversation_id', conversation_id, 'workflow_type', workflow_type, 'turn', turn,
    'awaiting', awaiting, 'checkpoint', checkpoint, 'updated_at', updated_at)::text
FROM workflow_states WHERE workspace_id = $1 AND conversation_id = $2
UNION ALL
SELECT json_build_object(
    'kind', 'agent_state', 'conversation_id', conversation_id, 'agent_name', agent_name, 'turn', turn, 'state', state,
    'updated_at', updated_at)::text
FROM agent_states WHERE workspace_id = $1 AND conversation_id = $2
UNION ALL
-- What staff wrote to each other about a person belongs to them as well.
(SELECT json_build_object(
    'kind', 'note', 'conversation_id', conversation_id, 'seq', seq, 'author_name', author_name, 'content', content,
    'created_at', created_at)::text
 FROM notes WHERE workspace_id = $1 AND conversation_id = $2 ORDER BY seq LIMIT 1000)
