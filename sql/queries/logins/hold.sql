-- Locks the log-in that a refresh token is of, so that the statement after it sees how the one before it ended.
SELECT l.id
FROM refresh_tokens t
JOIN logins l ON l.id = t.login_id
WHERE t.token_hash = $1
FOR UPDATE OF l
