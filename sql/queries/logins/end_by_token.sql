-- The same for whoever holds a refresh token of it, also one that was used.
UPDATE logins SET ended_at = now(), ended_by = 'logout'
WHERE id = (SELECT login_id FROM refresh_tokens WHERE token_hash = $1) AND ended_at IS NULL
RETURNING id
