-- One escalation, whole.
SELECT id, workspace_id, version, change, conversation_id, interaction_id, issue_type, trigger_type, reason, original_request,
       status, contact_info, conversation_context, summary, priority, assignee_id, assignee_name, resolution, created_at,
       notified_at, claimed_at, resolved_at, updated_at, erased_at IS NOT NULL AS erased
FROM escalations WHERE workspace_id = $1 AND id = $2 AND erased_at IS NULL
