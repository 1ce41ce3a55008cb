-- What people were asked for in a conversation, the latest first.
SELECT trigger_type, issue_type, original_request, contact_info, status, assignee_name
FROM escalations
WHERE workspace_id = $1 AND conversation_id = $2
ORDER BY id DESC
LIMIT $3
