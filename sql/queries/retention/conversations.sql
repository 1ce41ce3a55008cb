-- The conversations that go first, each as a line of the export.
SELECT id, 0::bigint AS number, '' AS name, json_build_object(
    'id', id, 'workspace_id', workspace_id, 'user_id', user_id, 'session_id', session_id, 'status', status,
    'owner', owner, 'mode', mode, 'assignee_id', assignee_id, 'assignee_name', assignee_name,
    'escalation_id', escalation_id, 'escalation_status', escalation_status, 'rating', rating,
    'rating_comment', rating_comment, 'version', version, 'owner_epoch', owner_epoch, 'user_read_seq', user_read_seq,
    'staff_read_seq', staff_read_seq, 'metadata', metadata, 'created_at', created_at, 'updated_at', updated_at
  )::text AS line
FROM conversations
WHERE id IN (SELECT switchboard_due_conversations($1, least($2, 50)))
