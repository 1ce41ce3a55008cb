-- Exchanges a refresh token for the next one. One that was used longer ago than the grace ends its log-in: somebody
-- has a copy. Within the grace it is a second tab, and gets a successor of its own.
WITH token AS (
  SELECT t.token_hash, t.login_id, t.workspace_id, w.slug, u.id AS user_id, u.email, u.name,
         ARRAY(SELECT r.role FROM user_roles r WHERE r.user_id = u.id AND r.workspace_id = t.workspace_id) AS roles,
         t.used_at < now() - $4::bigint * interval '1 second' AS reused,
         l.ended_at IS NULL AND u.password_hash IS NOT NULL AND t.expires_at > now() AS holds
  FROM refresh_tokens t
  JOIN logins l ON l.id = t.login_id
  JOIN users u ON u.id = l.user_id
  JOIN workspaces w ON w.id = t.workspace_id
  WHERE t.token_hash = $1
), verdict AS (
  SELECT *, CASE WHEN NOT holds OR roles = '{}' THEN 'refused' WHEN reused THEN 'reused' ELSE 'rotated' END AS verdict
  FROM token
), used AS (
  UPDATE refresh_tokens t SET used_at = coalesce(t.used_at, now())
  FROM verdict v
  WHERE t.token_hash = v.token_hash AND v.verdict = 'rotated'
), issued AS (
  INSERT INTO refresh_tokens (workspace_id, token_hash, login_id, expires_at)
  SELECT workspace_id, $2, login_id, $3 FROM verdict WHERE verdict = 'rotated'
), login AS (
  UPDATE logins l SET
    expires_at = CASE v.verdict WHEN 'rotated' THEN $3 ELSE l.expires_at END,
    ended_at = CASE v.verdict WHEN 'reused' THEN now() END,
    ended_by = CASE v.verdict WHEN 'reused' THEN 'reuse' END
  FROM verdict v
  WHERE l.id = v.login_id AND v.verdict <> 'refused'
), forgotten AS (
  DELETE FROM refresh_tokens t USING verdict v WHERE t.login_id = v.login_id AND t.expires_at < now()
)
SELECT verdict, login_id, workspace_id, slug, user_id, email, name, roles FROM verdict
