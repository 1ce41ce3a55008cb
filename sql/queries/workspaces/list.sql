-- All workspaces; the server keeps them in memory.
SELECT id, slug, identity_secret, verification_required, allowed_origins, registration_open, learns
FROM workspaces
ORDER BY slug
LIMIT 1000
