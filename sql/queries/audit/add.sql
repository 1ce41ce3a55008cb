-- Who changed what, kept for ever.
INSERT INTO audit_log (workspace_id, id, actor, action, subject, detail) VALUES ($1, $2, $3, $4, $5, $6)
