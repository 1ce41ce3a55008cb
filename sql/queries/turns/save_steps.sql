-- What the steps of turns came to. A step that is recorded stays as it is.
INSERT INTO turn_steps (conversation_id, turn, step, workspace_id, status, started_at, ms, output)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::uuid[], $5::text[], $6::timestamptz[], $7::bigint[],
                     $8::jsonb[])
ON CONFLICT (conversation_id, turn, step) DO NOTHING
