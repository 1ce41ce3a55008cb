-- Conversations out of a file, closed, each of a visitor of its own. Every id follows from the file, so that a second
-- run finds all of it and changes nothing. A long conversation comes in several parts, its own row with the first.
WITH people AS (
  INSERT INTO users (id, workspace_id, created_at)
  SELECT user_id, $1, $2 FROM unnest($4::uuid[]) AS v (user_id)
  ON CONFLICT (id) DO NOTHING
), opened AS (
  INSERT INTO conversations (id, workspace_id, user_id, status, owner, version, write_id, user_read_seq, staff_read_seq,
                             metadata, created_at, updated_at)
  SELECT id, $1, user_id, 'closed', 'none', 1, id, head, head, jsonb_build_object('import_id', name), $2, $2
  FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::bigint[]) AS c (id, user_id, name, head)
  ON CONFLICT (id) DO NOTHING
  RETURNING 1
), said AS (
  INSERT INTO messages (conversation_id, seq, id, workspace_id, role, content, created_at)
  SELECT conversation_id, seq, id, $1, role, content, $2
  FROM unnest($7::uuid[], $8::bigint[], $9::uuid[], $10::text[], $11::text[])
    AS m (conversation_id, seq, id, role, content)
  ON CONFLICT DO NOTHING
  RETURNING 1
)
SELECT (SELECT count(*) FROM opened) AS conversations, (SELECT count(*) FROM said) AS messages
