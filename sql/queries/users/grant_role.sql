-- One role of one account in one workspace; again is no fault.
INSERT INTO user_roles (workspace_id, user_id, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
