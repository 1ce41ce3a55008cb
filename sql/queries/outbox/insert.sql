-- What is to be told outside, committed with what it tells of.
INSERT INTO outbox (workspace_id, id, kind, subject_id, payload, next_at, created_at)
SELECT o.workspace_id, o.id, o.kind, o.subject_id, o.payload, o.created_at, o.created_at
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::jsonb[], $6::timestamptz[])
  AS o (workspace_id, id, kind, subject_id, payload, created_at)
ON CONFLICT (id) DO NOTHING
