-- A trace; its items went before it.
DELETE FROM reasoning_traces WHERE workspace_id = $1 AND id = $2 RETURNING id
