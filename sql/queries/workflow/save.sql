-- The checkpoint of each conversation, written with the version of its state that it belongs to, which guards it.
INSERT INTO workflow_states AS w (conversation_id, workspace_id, workflow_type, turn, step, awaiting, reply_id, from_seq,
                                  upto_seq, opened_at, checkpoint_version, checkpoint, updated_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::uuid[], $8::bigint[],
                     $9::bigint[], $10::timestamptz[], $11::int2[], $12::jsonb[], $13::timestamptz[])
ON CONFLICT (conversation_id) DO UPDATE SET
  workflow_type = excluded.workflow_type,
  turn = excluded.turn,
  step = excluded.step,
  awaiting = excluded.awaiting,
  reply_id = excluded.reply_id,
  from_seq = excluded.from_seq,
  upto_seq = excluded.upto_seq,
  opened_at = excluded.opened_at,
  checkpoint_version = excluded.checkpoint_version,
  checkpoint = excluded.checkpoint,
  updated_at = excluded.updated_at
