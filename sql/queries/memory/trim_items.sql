-- The items of a trace that has become shorter.
DELETE FROM memory_items WHERE workspace_id = $1 AND trace_id = $2 AND ordinal > $3
