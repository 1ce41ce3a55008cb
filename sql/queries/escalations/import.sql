-- Requests for a person from elsewhere. One that is here already stays as it is.
WITH come AS (
  SELECT *
  FROM jsonb_to_recordset($2)
    AS e (ord int, id uuid, conversation_id uuid, interaction_id uuid, issue_type text, trigger_type text, reason text,
          original_request text, status text, contact_info jsonb, conversation_context jsonb, summary text, priority int2,
          assignee_name text, resolution text, created_at timestamptz, notified_at timestamptz, claimed_at timestamptz,
          resolved_at timestamptz, updated_at timestamptz)
), added AS (
  INSERT INTO escalations (workspace_id, id, version, conversation_id, interaction_id, issue_type, trigger_type, reason,
                           original_request, status, contact_info, conversation_context, summary, priority,
                           assignee_name, resolution, created_at, notified_at, claimed_at, resolved_at, updated_at)
  SELECT $1, id, 1, conversation_id, interaction_id, issue_type, trigger_type, reason, original_request, status,
         contact_info, conversation_context, summary, priority, assignee_name, resolution, created_at, notified_at,
         claimed_at, resolved_at, updated_at
  FROM come
  ON CONFLICT (id) DO NOTHING
  RETURNING id
)
SELECT c.ord, CASE WHEN a.id IS NOT NULL THEN 'new' WHEN e.id IS NOT NULL THEN 'known' ELSE 'taken' END AS state
FROM come c
LEFT JOIN added a ON a.id = c.id
LEFT JOIN escalations e ON e.workspace_id = $1 AND e.id = c.id
