-- Ends all that an account has begun, if its password is now this one (null: none). Run after the password has changed, in
-- the same transaction: what was begun meanwhile is seen.
UPDATE logins l SET ended_at = now(), ended_by = $3
FROM users u
WHERE u.workspace_id IS NULL AND lower(u.email) = lower($1) AND u.password_hash IS NOT DISTINCT FROM $2
  AND l.user_id = u.id AND l.ended_at IS NULL
