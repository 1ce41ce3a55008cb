-- Whose log-in this is, while it has not ended.
SELECT u.id, u.email, u.name
FROM logins l
JOIN users u ON u.id = l.user_id
WHERE l.id = $1 AND l.ended_at IS NULL AND u.password_hash IS NOT NULL
