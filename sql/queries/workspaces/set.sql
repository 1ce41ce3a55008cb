-- Changes what is given and keeps the rest.
UPDATE workspaces SET
  verification_required = coalesce($2, verification_required),
  allowed_origins = coalesce($3, allowed_origins),
  identity_secret = coalesce($4, identity_secret),
  registration_open = coalesce($5, registration_open),
  learns = coalesce($6, learns)
WHERE slug = $1
RETURNING id
