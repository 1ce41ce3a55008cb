-- Visitors by their id, by their id in the customer's own systems, or by an e-mail address that they gave.
SELECT id, verified, created_at FROM users
WHERE workspace_id = $1 AND (id::text = $2 OR external_id = $2 OR lower(email) = lower($2))
ORDER BY id
LIMIT 100
