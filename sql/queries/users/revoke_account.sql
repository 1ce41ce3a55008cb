-- Takes the password away; what the account wrote keeps its author.
UPDATE users SET password_hash = NULL WHERE workspace_id IS NULL AND lower(email) = lower($1) RETURNING id
