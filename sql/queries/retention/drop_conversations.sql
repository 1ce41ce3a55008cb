-- Ends conversations that were written to the archive, with what the agent remembered of them; one that has been written to
-- since stays as it is.
WITH gone AS (
  DELETE FROM conversations WHERE id = ANY ($1) AND status = 'closed' RETURNING id
), remembered AS (
  DELETE FROM agent_states WHERE conversation_id IN (SELECT id FROM gone)
)
DELETE FROM workflow_states WHERE conversation_id IN (SELECT id FROM gone)
