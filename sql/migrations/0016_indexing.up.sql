-- Words of insights on their way into the index. To index a thousand contacts takes longer than to fold them in, and whoever
-- brings them need not wait: a search indexes what waits before it looks. A contact is named with the time it came, so that
-- words of one that was deleted are not those of the next by its name.
CREATE TABLE insight_unindexed (
  workspace_id uuid NOT NULL,
  id           bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  contact_id   text NOT NULL,
  created_at   timestamptz NOT NULL,
  fields       integer NOT NULL,
  words        bigint[] NOT NULL,
  PRIMARY KEY (workspace_id, id)
);
ALTER TABLE insight_unindexed ALTER COLUMN words SET STORAGE EXTERNAL;
ALTER TABLE insight_unindexed ENABLE ROW LEVEL SECURITY;
ALTER TABLE insight_unindexed FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspaces ON insight_unindexed TO switchboard_app
  USING (workspace_id = ANY ((SELECT switchboard_workspaces())::uuid[]))
  WITH CHECK (workspace_id = ANY ((SELECT switchboard_workspaces())::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON insight_unindexed TO switchboard_app;

-- A word that comes often costs less the more of it comes at once; 8 MB are read through in some milliseconds.
ALTER INDEX insight_words_by_word SET (gin_pending_list_limit = 8192);
