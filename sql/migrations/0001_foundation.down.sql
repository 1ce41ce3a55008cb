-- The roles stay: they belong to the cluster, where another database may use them.
DROP TABLE audit_log, api_keys, user_roles, users, workspaces, nodes, deployment;
DROP FUNCTION switchboard_hold_lease(uuid, bigint);
DROP FUNCTION switchboard_expect(bigint, bigint);
DROP FUNCTION switchboard_workspaces();
REVOKE USAGE ON SCHEMA public FROM switchboard_app, switchboard_lookup;
