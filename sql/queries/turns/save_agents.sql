-- What an agent remembers after its turn.
INSERT INTO agent_states AS a (conversation_id, agent_name, workspace_id, turn, state, updated_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::jsonb[], $6::timestamptz[])
ON CONFLICT (conversation_id, agent_name) DO UPDATE SET
  turn = excluded.turn, state = excluded.state, updated_at = excluded.updated_at
