DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['workspaces', 'users', 'user_roles', 'api_keys', 'audit_log',
                              'conversations', 'messages', 'message_feedback', 'escalations']
  LOOP
    EXECUTE format('DROP POLICY IF EXISTS own_workspaces ON %I', name);
    EXECUTE format('DROP POLICY IF EXISTS lookup ON %I', name);
    EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', name);
    EXECUTE format('REVOKE ALL ON %I FROM switchboard_app, switchboard_lookup', name);
  END LOOP;
END $$;
DROP POLICY lookup ON deployment;
DROP POLICY lookup ON nodes;
ALTER TABLE deployment DISABLE ROW LEVEL SECURITY;
ALTER TABLE nodes DISABLE ROW LEVEL SECURITY;
ALTER TABLE schema_migrations DISABLE ROW LEVEL SECURITY;
GRANT EXECUTE ON FUNCTION switchboard_hold_lease(uuid, bigint) TO PUBLIC;
REVOKE ALL ON deployment, nodes FROM switchboard_lookup;
