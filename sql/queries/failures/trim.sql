-- The oldest go where a workspace has more than it may.
DELETE FROM processing_failures WHERE id IN (
  SELECT id FROM processing_failures WHERE workspace_id = $1 ORDER BY last_at DESC, id DESC OFFSET $2
)
