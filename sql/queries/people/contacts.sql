-- The contacts that insights of a visitor stand under: that of the host's own systems, if it was proven, and our own.
SELECT unnest(CASE WHEN verified AND external_id IS NOT NULL THEN ARRAY[external_id, 'visitor:' || id]
                   ELSE ARRAY['visitor:' || id] END) AS contact_id
FROM users
WHERE workspace_id = $1 AND id = $2
