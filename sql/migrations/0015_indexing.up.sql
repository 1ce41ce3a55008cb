-- Contacts whose words are to be indexed. To index a thousand takes longer than to fold them in, and whoever brings them need
-- not wait: a search indexes what waits before it looks.
CREATE TABLE insight_unindexed (
  workspace_id uuid NOT NULL,
  id           bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  contact_id   text NOT NULL,
  PRIMARY KEY (workspace_id, id)
);
ALTER TABLE insight_unindexed ENABLE ROW LEVEL SECURITY;
ALTER TABLE insight_unindexed FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspaces ON insight_unindexed TO switchboard_app
  USING (workspace_id = ANY ((SELECT switchboard_workspaces())::uuid[]))
  WITH CHECK (workspace_id = ANY ((SELECT switchboard_workspaces())::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON insight_unindexed TO switchboard_app;

-- The words are those of a whole contact, as it stood at this version.
ALTER TABLE insight_words DROP COLUMN fields, ADD COLUMN version bigint NOT NULL DEFAULT 0;
ALTER TABLE insight_words ALTER COLUMN version DROP DEFAULT;
DROP FUNCTION switchboard_words_beside(bigint[], integer);
