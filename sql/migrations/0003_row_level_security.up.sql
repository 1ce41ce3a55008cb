-- The second wall: the database itself shows and takes only rows of the workspaces that the transaction named.
-- FORCE holds the owner too. The sub-select makes the setting be read once a statement, not once a row.
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['users', 'user_roles', 'conversations', 'messages', 'message_feedback', 'escalations']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format(
      'CREATE POLICY own_workspaces ON %I TO switchboard_app '
      'USING (workspace_id = ANY ((SELECT switchboard_workspaces())::uuid[])) '
      'WITH CHECK (workspace_id = ANY ((SELECT switchboard_workspaces())::uuid[]))', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO switchboard_app', name);
  END LOOP;
END $$;

ALTER TABLE workspaces ENABLE ROW LEVEL SECURITY;
ALTER TABLE workspaces FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspaces ON workspaces TO switchboard_app
  USING (id = ANY ((SELECT switchboard_workspaces())::uuid[]));
GRANT SELECT ON workspaces TO switchboard_app;

-- Keys and the audit log may belong to no workspace; those rows are for the lookup role alone.
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspaces ON audit_log TO switchboard_app
  USING (workspace_id = ANY ((SELECT switchboard_workspaces())::uuid[]))
  WITH CHECK (workspace_id = ANY ((SELECT switchboard_workspaces())::uuid[]));
GRANT SELECT, INSERT ON audit_log TO switchboard_app;

-- What may be read, and by administration written, before a workspace is known.
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['workspaces', 'users', 'user_roles', 'api_keys', 'audit_log']
  LOOP
    EXECUTE format('CREATE POLICY lookup ON %I TO switchboard_lookup USING (true) WITH CHECK (true)', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO switchboard_lookup', name);
  END LOOP;
END $$;

-- No workspace's: for the lookup role alone, also where a host grants new tables to everyone.
ALTER TABLE deployment ENABLE ROW LEVEL SECURITY;
ALTER TABLE nodes ENABLE ROW LEVEL SECURITY;
ALTER TABLE schema_migrations ENABLE ROW LEVEL SECURITY;
CREATE POLICY lookup ON deployment TO switchboard_lookup USING (true) WITH CHECK (true);
CREATE POLICY lookup ON nodes TO switchboard_lookup USING (true) WITH CHECK (true);
REVOKE EXECUTE ON FUNCTION switchboard_hold_lease(uuid, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION switchboard_hold_lease(uuid, bigint) TO switchboard_app;
GRANT SELECT, UPDATE ON deployment TO switchboard_lookup;
GRANT SELECT, INSERT, UPDATE ON nodes TO switchboard_lookup;
