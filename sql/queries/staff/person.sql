-- Somebody who may answer in a workspace, by the id of their account or of their key. An address is no name: visitors
-- read it.
SELECT u.name FROM users u
WHERE u.id = $2 AND u.workspace_id IS NULL
  AND EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.workspace_id = $1
              AND r.role IN ('staff', 'supervisor', 'admin'))
UNION ALL
SELECT k.name FROM api_keys k
WHERE k.id = $2 AND (k.workspace_id = $1 OR k.workspace_id IS NULL) AND k.revoked_at IS NULL
  AND k.role IN ('staff', 'supervisor', 'admin')
