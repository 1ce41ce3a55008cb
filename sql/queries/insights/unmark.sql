-- A conversation said nothing of its contact: they are as they were before, and who was not known is not.
WITH unknown AS (
  DELETE FROM structured_insights WHERE workspace_id = $1 AND contact_id = $2 AND version = 0
)
UPDATE structured_insights SET processing_status = 'completed'
WHERE workspace_id = $1 AND contact_id = $2 AND version > 0 AND processing_status IN ('pending', 'processing')
