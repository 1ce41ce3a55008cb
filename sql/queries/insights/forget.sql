-- All that is known of a person under any of their names, for their erasure: the log of that says nothing of who it was.
WITH gone AS (
  DELETE FROM structured_insights WHERE workspace_id = $1 AND contact_id = ANY ($2) RETURNING 1
), words AS (
  DELETE FROM insight_words WHERE workspace_id = $1 AND contact_id = ANY ($2)
), groups AS (
  DELETE FROM insight_groups WHERE workspace_id = $1 AND contact_id = ANY ($2)
), failures AS (
  DELETE FROM processing_failures WHERE workspace_id = $1 AND kind = 'sync' AND subject = ANY ($2)
)
SELECT count(*) AS gone FROM gone
