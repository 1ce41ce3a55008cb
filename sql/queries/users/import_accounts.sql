-- Accounts of an older desk, without passwords, each with one role in a workspace. Where there is one of the address, it
-- is theirs, and nothing of it changes.
WITH come AS (
  SELECT *
  FROM jsonb_to_recordset($2)
    AS u (ord int, id uuid, email text, name text, role text, metadata jsonb, created_at timestamptz)
), added AS (
  INSERT INTO users (id, email, name, metadata, created_at)
  SELECT id, email, name, metadata, created_at FROM come
  ON CONFLICT DO NOTHING
  RETURNING id, email
), granted AS (
  INSERT INTO user_roles (workspace_id, user_id, role)
  SELECT $1, c.id, c.role FROM come c JOIN added a ON a.id = c.id AND a.email = c.email
  ON CONFLICT DO NOTHING
)
SELECT c.ord, coalesce(a.id, u.id) AS account, a.id IS NOT NULL AND a.id = c.id AS is_new
FROM come c
LEFT JOIN added a ON lower(a.email) = lower(c.email)
LEFT JOIN users u ON u.workspace_id IS NULL AND lower(u.email) = lower(c.email)
