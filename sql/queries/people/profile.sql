-- What is known of a visitor, as a line of JSON without the secret that they come back by.
SELECT json_build_object(
    'kind', 'visitor', 'id', id, 'external_id', external_id, 'verified', verified, 'email', email, 'name', name,
    'phone', phone, 'metadata', metadata, 'created_at', created_at, 'last_seen_at', resume_used_at
  )::text AS line
FROM users
WHERE workspace_id = $1 AND id = $2
