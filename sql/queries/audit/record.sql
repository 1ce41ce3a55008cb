-- Who did what, committed with what they did.
INSERT INTO audit_log (workspace_id, id, actor, action, subject, detail, created_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::timestamptz[])
ON CONFLICT (id) DO NOTHING
