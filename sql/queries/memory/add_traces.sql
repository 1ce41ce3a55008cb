-- Traces that are not known yet; which those are. One whose id is known stays as it is.
INSERT INTO reasoning_traces (workspace_id, id, task, trajectory, outcome, metadata, version, created_at, updated_at)
SELECT $1, id, task, trajectory, outcome, metadata, (SELECT version FROM memory_stamps WHERE workspace_id = $1), at, at
FROM unnest($2::uuid[], $3::text[], $4::jsonb[], $5::text[], $6::jsonb[], $7::timestamptz[])
  AS t (id, task, trajectory, outcome, metadata, at)
ON CONFLICT (workspace_id, id) DO NOTHING
