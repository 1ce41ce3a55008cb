-- The end of a conversation whose log is gone. Its escalations stay, as what was asked of the desk, without whose they
-- were and what was said.
WITH blank AS (
  UPDATE escalations
  SET version = version + 1, reason = NULL, original_request = NULL, contact_info = NULL, conversation_context = NULL,
      summary = NULL, resolution = NULL, erased_at = now(), updated_at = now()
  WHERE workspace_id = $1 AND conversation_id = $2
  RETURNING 1
), agents AS (
  DELETE FROM agent_states WHERE workspace_id = $1 AND conversation_id = $2
), workflow AS (
  DELETE FROM workflow_states WHERE workspace_id = $1 AND conversation_id = $2
), feedback AS (
  DELETE FROM message_feedback WHERE workspace_id = $1 AND conversation_id = $2
), notes AS (
  DELETE FROM notes WHERE workspace_id = $1 AND conversation_id = $2
), failures AS (
  DELETE FROM processing_failures WHERE workspace_id = $1 AND subject = $2::text
), gone AS (
  DELETE FROM conversations WHERE workspace_id = $1 AND id = $2 RETURNING 1
)
SELECT (SELECT count(*) FROM gone) AS gone, (SELECT count(*) FROM blank) AS escalations
