-- People of an older desk, as visitors of a workspace. Who is here already stays as they are.
WITH come AS (
  SELECT *
  FROM jsonb_to_recordset($2)
    AS u (ord int, id uuid, external_id text, verified boolean, email text, name text, phone text, metadata jsonb,
          created_at timestamptz)
), added AS (
  INSERT INTO users (id, workspace_id, external_id, verified, email, name, phone, metadata, created_at)
  SELECT id, $1, external_id, verified, email, name, phone, metadata, created_at FROM come
  ON CONFLICT DO NOTHING
  RETURNING id
)
SELECT c.ord, CASE WHEN a.id IS NOT NULL THEN 'new' WHEN u.id IS NOT NULL THEN 'known' ELSE 'taken' END AS state
FROM come c
LEFT JOIN added a ON a.id = c.id
LEFT JOIN users u ON u.workspace_id = $1 AND u.id = c.id
