-- Conversations from elsewhere, each written with the last of its messages: before its row nobody can open it, and nothing
-- is imported into it after that. One whose log is not all there gets no row.
WITH come AS (
  SELECT *
  FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::uuid[],
              $11::text[], $12::int2[], $13::text[], $14::bigint[], $15::jsonb[], $16::timestamptz[], $17::timestamptz[])
    AS c (id, user_id, name, email, phone, status, owner, mode, escalation_id, escalation_status, rating, rating_comment,
          head, metadata, created_at, updated_at)
), people AS (
  INSERT INTO users (id, workspace_id, name, email, phone, created_at)
  SELECT DISTINCT ON (user_id) user_id, $1, name, email, phone, created_at
  FROM come
  ORDER BY user_id, created_at
  ON CONFLICT (id) DO NOTHING
)
INSERT INTO conversations (id, workspace_id, user_id, status, owner, mode, escalation_id, escalation_status, rating,
                           rating_comment, version, write_id, user_read_seq, staff_read_seq, metadata, created_at, updated_at)
SELECT id, $1, user_id, status, owner, mode, escalation_id, escalation_status, rating, rating_comment, 1, id, head, head,
       metadata, created_at, updated_at
FROM come c
WHERE (SELECT count(*) FROM messages m WHERE m.workspace_id = $1 AND m.conversation_id = c.id) = c.head
ON CONFLICT (id) DO NOTHING
RETURNING id
