-- Messages from elsewhere, into logs that nobody can open yet. What an earlier run has written is left as it is.
INSERT INTO messages (conversation_id, seq, id, workspace_id, role, agent_name, author_id, author_name, content, metadata,
                      created_at)
SELECT conversation_id, seq, id, $1, role, agent_name, author_id, author_name, content, metadata, created_at
FROM unnest($2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::text[], $9::text[], $10::jsonb[],
            $11::timestamptz[])
  AS m (conversation_id, seq, id, role, agent_name, author_id, author_name, content, metadata, created_at)
ON CONFLICT DO NOTHING
