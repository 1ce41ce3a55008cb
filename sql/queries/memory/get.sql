-- One trace.
SELECT id, task, trajectory, outcome, metadata, created_at, updated_at
FROM reasoning_traces
WHERE workspace_id = $1 AND id = $2
