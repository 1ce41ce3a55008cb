-- A job is through with the contacts up to $4, for whoever holds the turn: one that has lost it changes nothing. Of its
-- failures, the first $12 are kept.
WITH moved AS (
  UPDATE sync_jobs j
  SET cursor = $4, processed = j.processed + $5, created = j.created + $6, updated = j.updated + $7, failed = j.failed + $8,
      worked_at = clock_timestamp()
  WHERE j.workspace_id = $1 AND j.id = $2
    AND EXISTS (SELECT FROM sync_turns t WHERE t.workspace_id = $1 AND t.sink = $3 AND t.holder = $9)
  RETURNING failed
), kept AS (
  INSERT INTO sync_failures (workspace_id, job_id, contact_id, reason, failed_at)
  SELECT $1, $2, f.contact_id, f.reason, now()
  FROM moved, unnest($10::text[], $11::text[]) AS f (contact_id, reason)
  WHERE moved.failed <= $12
  ON CONFLICT (workspace_id, job_id, contact_id) DO UPDATE SET reason = excluded.reason, failed_at = excluded.failed_at
)
SELECT failed FROM moved
