DROP TABLE refresh_tokens;
DROP TABLE logins;
ALTER TABLE workspaces DROP COLUMN registration_open;
