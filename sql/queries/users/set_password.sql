-- A new password for an account: for one that was revoked, or for any where it was asked for.
UPDATE users SET password_hash = $2
WHERE workspace_id IS NULL AND lower(email) = lower($1) AND (password_hash IS NULL OR $3)
RETURNING id
