-- A contact with all that belongs to it. Its groups go too: what is known no more may be brought again.
WITH gone AS (
  DELETE FROM structured_insights WHERE workspace_id = $1 AND contact_id = $2 RETURNING contact_id
), words AS (
  DELETE FROM insight_words WHERE workspace_id = $1 AND contact_id = $2
), groups AS (
  DELETE FROM insight_groups WHERE workspace_id = $1 AND contact_id = $2
), noted AS (
  INSERT INTO audit_log (workspace_id, id, actor, action, subject)
  SELECT $1, $3, $4, 'insight.delete', contact_id FROM gone
)
SELECT contact_id FROM gone
