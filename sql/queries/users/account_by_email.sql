-- An account by its address, however it is spelled.
SELECT id, name FROM users WHERE workspace_id IS NULL AND lower(email) = lower($1)
