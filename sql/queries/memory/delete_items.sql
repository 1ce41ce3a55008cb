-- The items of a trace that is about to go.
DELETE FROM memory_items WHERE workspace_id = $1 AND trace_id = $2
