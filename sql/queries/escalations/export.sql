-- One page of all requests for a person, each as a line of JSON; of an erased one no more than that it was.
SELECT e.id AS id, '' AS place, row_to_json(e)::text AS line
FROM (
  SELECT id, workspace_id, version, conversation_id, interaction_id, issue_type, trigger_type, reason, original_request, status,
         contact_info, conversation_context, summary, priority, assignee_id, assignee_name, resolution, created_at,
         notified_at, claimed_at, resolved_at, updated_at, erased_at
  FROM escalations
  WHERE id > $1 AND $2 = ''
  ORDER BY id
  LIMIT $3
) AS e
ORDER BY e.id
