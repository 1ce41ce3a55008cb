-- One escalation, as the visitor may see it.
SELECT id, conversation_id, workspace_id, trigger_type, reason, status, contact_info, assignee_name, created_at
FROM escalations WHERE id = $1
