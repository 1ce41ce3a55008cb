-- Which of these keys have not been revoked.
SELECT id FROM api_keys WHERE id = ANY ($1) AND revoked_at IS NULL
