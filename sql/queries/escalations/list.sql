-- Escalations, the latest first; also a snapshot for a console.
SELECT id, workspace_id, version, change, conversation_id, interaction_id, issue_type, trigger_type, reason, original_request,
       status, contact_info, conversation_context, summary, priority, assignee_id, assignee_name, resolution, created_at,
       notified_at, claimed_at, resolved_at, updated_at, erased_at IS NOT NULL AS erased
FROM escalations
WHERE workspace_id = $1 AND erased_at IS NULL AND ($2::text[] IS NULL OR status = ANY ($2))
  AND ($3::text IS NULL OR trigger_type = $3) AND ($4::uuid IS NULL OR assignee_id = $4)
  AND ($5::uuid IS NULL OR id < $5)
ORDER BY id DESC
LIMIT $6
