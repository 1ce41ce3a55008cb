-- Writes each conversation's new version, if the one before it still stands; its own repeat finds its write_id.
WITH advanced AS (
  INSERT INTO conversations AS c (id, workspace_id, user_id, session_id, status, owner, mode, assignee_id, assignee_name,
    escalation_id, escalation_status, rating, rating_comment, version, owner_epoch, write_id, metadata, created_at, updated_at)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[],
    $9::text[], $10::uuid[], $11::text[], $12::int2[], $13::text[], $14::bigint[], $15::bigint[], $16::uuid[],
    $17::jsonb[], $18::timestamptz[], $19::timestamptz[])
  ON CONFLICT (id) DO UPDATE SET
    status = excluded.status,
    owner = excluded.owner,
    mode = excluded.mode,
    assignee_id = excluded.assignee_id,
    assignee_name = excluded.assignee_name,
    escalation_id = excluded.escalation_id,
    escalation_status = excluded.escalation_status,
    rating = excluded.rating,
    rating_comment = excluded.rating_comment,
    version = excluded.version,
    owner_epoch = excluded.owner_epoch,
    write_id = excluded.write_id,
    updated_at = excluded.updated_at
  WHERE c.version = excluded.version - 1 OR c.write_id = excluded.write_id
  RETURNING 1
)
SELECT switchboard_expect((SELECT count(*) FROM advanced), cardinality($1))
