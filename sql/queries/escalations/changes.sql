-- The escalations that changed after a number, in the order of their changes; see the migration for why none is missed.
SELECT id, workspace_id, version, change, conversation_id, interaction_id, issue_type, trigger_type, reason, original_request,
       status, contact_info, conversation_context, summary, priority, assignee_id, assignee_name, resolution, created_at,
       notified_at, claimed_at, resolved_at, updated_at, erased_at IS NOT NULL AS erased
FROM escalations
WHERE workspace_id = $1 AND change > $2
ORDER BY change
LIMIT $3
