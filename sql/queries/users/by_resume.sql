-- Whose resume secrets these are; good for 180 days from their last use.
SELECT u.resume_hash, u.id, u.workspace_id, u.external_id, u.verified, u.email, u.name, u.phone,
       u.resume_used_at < now() - interval '1 day' AS stale
FROM users u
WHERE u.resume_hash = ANY ($1) AND u.workspace_id IS NOT NULL AND u.resume_used_at > now() - interval '180 days'
