-- A workspace; nothing when the slug is taken.
INSERT INTO workspaces (id, slug, name, identity_secret, verification_required, allowed_origins)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (slug) DO NOTHING
RETURNING id
