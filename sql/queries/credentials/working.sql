-- Which of these keys and log-ins still hold.
SELECT id FROM api_keys WHERE id = ANY ($1) AND revoked_at IS NULL
UNION ALL
SELECT l.id
FROM logins l
JOIN users u ON u.id = l.user_id
WHERE l.id = ANY ($1) AND l.ended_at IS NULL AND u.password_hash IS NOT NULL
