-- The hot statement: every message of a batch, of any conversation. A repeat or a taken number aborts the batch,
-- and the writer finds out which (messages/standing).
INSERT INTO messages (conversation_id, seq, id, client_id, workspace_id, role, agent_name, author_id, author_name,
                      content, citations, attachments, metadata, created_at)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::uuid[],
                     $9::text[], $10::text[], $11::jsonb[], $12::jsonb[], $13::jsonb[], $14::timestamptz[])
