-- Adds or changes a short text, and says so in the audit log; nothing where its name is another's, or the workspace has
-- its fill.
WITH saved AS (
  INSERT INTO canned_responses AS c (workspace_id, id, name, content, updated_at)
  SELECT $1, $2, $3, $4, $5
  WHERE NOT EXISTS (SELECT FROM canned_responses WHERE workspace_id = $1 AND lower(name) = lower($3) AND id <> $2)
    AND (SELECT count(*) FROM canned_responses WHERE workspace_id = $1 AND id <> $2) < 1000
  ON CONFLICT (workspace_id, id) DO UPDATE SET
    name = excluded.name, content = excluded.content, updated_at = excluded.updated_at
  RETURNING id, name, content, updated_at
), audited AS (
  INSERT INTO audit_log (workspace_id, id, actor, action, subject, created_at)
  SELECT $1, $6, $7, 'canned.save', id::text, $5 FROM saved
)
SELECT id, name, content, updated_at FROM saved
