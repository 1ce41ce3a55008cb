-- A short text goes, and the audit log says so.
WITH gone AS (
  DELETE FROM canned_responses WHERE workspace_id = $1 AND id = $2 RETURNING id
), audited AS (
  INSERT INTO audit_log (workspace_id, id, actor, action, subject)
  SELECT $1, $3, $4, 'canned.delete', id::text FROM gone
)
SELECT id FROM gone
