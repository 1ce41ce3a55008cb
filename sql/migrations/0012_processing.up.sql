-- What could not be processed, and stands so until it could be: one row a kind and subject, however often it failed.
CREATE TABLE processing_failures (
  workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  id           uuid NOT NULL UNIQUE,
  kind         text NOT NULL CHECK (kind IN ('import', 'distillation', 'learning', 'sync')),
  -- A conversation, a contact, or a file with its line.
  subject      text NOT NULL,
  reason       text NOT NULL,
  times        bigint NOT NULL CHECK (times > 0),
  first_at     timestamptz NOT NULL,
  last_at      timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, kind, subject)
);
CREATE INDEX processing_failures_newest ON processing_failures (workspace_id, last_at, id);

-- How far a conversation has been distilled into insights, and since when more of it waits: one that goes on after its end
-- has another part. It goes with its conversation, whose erasure waits for a part that is just taken in.
CREATE TABLE distillations (
  workspace_id    uuid NOT NULL,
  conversation_id uuid PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
  upto_seq        bigint NOT NULL DEFAULT 0,
  due_at          timestamptz
);
CREATE INDEX distillations_due ON distillations (conversation_id) WHERE due_at IS NOT NULL;

-- Takes one part in, or nothing of the transaction: a part that somebody else has taken in, or whose conversation is gone,
-- leaves no insight. What has ended anew since it was seen waits on.
CREATE FUNCTION switchboard_distilled(workspace uuid, conversation uuid, seen timestamptz, after bigint, upto bigint)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  UPDATE distillations SET upto_seq = upto, due_at = nullif(due_at, seen)
  WHERE workspace_id = workspace AND conversation_id = conversation AND upto_seq = after;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'this part was taken in, or its conversation is gone' USING ERRCODE = 'SB002';
  END IF;
END $$;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['processing_failures', 'distillations']
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

-- What waits to be distilled is looked for in all workspaces at once.
CREATE POLICY lookup ON distillations FOR SELECT TO switchboard_lookup USING (true);
GRANT SELECT ON distillations TO switchboard_lookup;
