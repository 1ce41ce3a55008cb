-- A visitor's row comes with their first act. What a later page tells replaces, what it leaves out stays.
INSERT INTO users AS u (id, workspace_id, external_id, verified, email, name, phone, metadata, resume_hash, resume_used_at, created_at)
SELECT id, workspace_id, external_id, verified, email, name, phone, metadata, resume_hash, created_at, created_at
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::boolean[], $5::text[], $6::text[], $7::text[], $8::jsonb[],
            $9::bytea[], $10::timestamptz[])
  AS v (id, workspace_id, external_id, verified, email, name, phone, metadata, resume_hash, created_at)
ON CONFLICT (id) DO UPDATE SET
  email = coalesce(excluded.email, u.email),
  name = coalesce(excluded.name, u.name),
  phone = coalesce(excluded.phone, u.phone),
  metadata = coalesce(excluded.metadata, u.metadata),
  resume_hash = coalesce(u.resume_hash, excluded.resume_hash),
  resume_used_at = greatest(u.resume_used_at, excluded.resume_used_at)
