-- A log-in with its first refresh token; nothing when the password is no longer the one that was shown. The lock on the
-- account makes whoever takes its password away wait, and then end this log-in too.
WITH account AS (
  SELECT id FROM users WHERE id = $3 AND workspace_id IS NULL AND password_hash = $4 FOR SHARE
), login AS (
  INSERT INTO logins (id, workspace_id, user_id, expires_at) SELECT $1, $2, id, $6 FROM account
  RETURNING id, workspace_id, expires_at
)
INSERT INTO refresh_tokens (workspace_id, token_hash, login_id, expires_at)
SELECT workspace_id, $5, id, expires_at FROM login
RETURNING login_id
