-- An account; nothing when the address is taken.
INSERT INTO users (id, email, name, password_hash) VALUES ($1, $2, $3, $4)
ON CONFLICT (lower(email)) WHERE workspace_id IS NULL DO NOTHING
RETURNING id
