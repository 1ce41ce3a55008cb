-- Whether row-level security holds: tables with rows of a workspace that it does not cover by force, policies beside
-- ours that open them to the role that serves clients, and whether that role may pass it by.
WITH guarded AS (
  SELECT c.oid, c.relname, c.relrowsecurity AND c.relforcerowsecurity AS forced
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
    AND (c.relname = 'workspaces'
         OR EXISTS (SELECT FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attname = 'workspace_id' AND NOT a.attisdropped))
)
SELECT ARRAY(SELECT relname::text FROM guarded WHERE NOT forced ORDER BY relname) AS unforced,
       ARRAY(SELECT p.polname || ' on ' || g.relname
             FROM pg_policy p
             JOIN guarded g ON g.oid = p.polrelid
             WHERE p.polname <> 'own_workspaces' AND p.polpermissive
               AND (0::oid = ANY (p.polroles) OR 'switchboard_app' IN
                 (SELECT r.rolname FROM pg_roles r WHERE r.oid = ANY (p.polroles)))
             ORDER BY 1) AS opened,
       EXISTS (SELECT FROM pg_roles WHERE rolname = 'switchboard_app' AND (rolsuper OR rolbypassrls)) AS bypassed
