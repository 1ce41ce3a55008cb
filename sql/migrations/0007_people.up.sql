-- What people do: escalations in the order of their changes, notes, short texts, and who is there.

-- The number of a workspace's latest change to an escalation.
CREATE TABLE escalation_feeds (
  workspace_id uuid PRIMARY KEY REFERENCES workspaces (id) ON DELETE CASCADE,
  head         bigint NOT NULL
);

-- change: that number at the row's last change; what a console asks for after a gap.
-- write_id: the write that made the row's last step, so that one repeated after an unknown commit finds itself.
-- erased_at: nothing of the row is shown any more but its id and version.
ALTER TABLE escalations
  ADD COLUMN change    bigint NOT NULL DEFAULT 0,
  ADD COLUMN write_id  uuid,
  ADD COLUMN erased_at timestamptz;

-- Why a trigger: whoever changes an escalation, this program or not, cannot forget it. Why not a sequence: numbers of a
-- sequence are taken before their commits and become visible in another order, so a reader who saw 8 could miss 7 for
-- ever. This row stays locked until its transaction ends, and a transaction is visible before it lets go of its locks:
-- whoever sees a number sees every smaller one of the workspace.
CREATE FUNCTION switchboard_number_escalation() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  INSERT INTO escalation_feeds AS f (workspace_id, head) VALUES (NEW.workspace_id, 1)
  ON CONFLICT (workspace_id) DO UPDATE SET head = f.head + 1
  RETURNING f.head INTO NEW.change;
  RETURN NEW;
END $$;

-- Rows from before keep 0, which comes before every cursor.
CREATE TRIGGER number_escalation BEFORE INSERT OR UPDATE ON escalations
  FOR EACH ROW EXECUTE FUNCTION switchboard_number_escalation();
CREATE INDEX escalations_by_change ON escalations (workspace_id, change);
CREATE INDEX escalations_in_hand ON escalations (assignee_id) WHERE status = 'in_progress';

CREATE INDEX conversations_by_status ON conversations (workspace_id, status, id DESC);
CREATE INDEX conversations_by_assignee ON conversations (workspace_id, assignee_id, id DESC) WHERE assignee_id IS NOT NULL;

-- What staff tell each other. A table of its own, with numbers of its own: nothing that reads messages can show one.
CREATE TABLE notes (
  conversation_id uuid NOT NULL,
  seq             bigint NOT NULL CHECK (seq > 0),
  id              uuid NOT NULL,
  client_id       uuid NOT NULL,
  workspace_id    uuid NOT NULL,
  author_id       uuid NOT NULL,
  author_name     text,
  content         text NOT NULL,
  attachments     jsonb,
  metadata        jsonb,
  created_at      timestamptz NOT NULL,
  PRIMARY KEY (conversation_id, seq)
);
CREATE UNIQUE INDEX notes_by_client ON notes (conversation_id, client_id);

CREATE TABLE canned_responses (
  workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  id           uuid NOT NULL,
  name         text NOT NULL,
  content      text NOT NULL,
  updated_at   timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX canned_responses_by_name ON canned_responses (workspace_id, lower(name));

-- Who said that they are there, and how much they take; node is the one that holds their sockets.
CREATE TABLE staff_presence (
  workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  person_id    uuid NOT NULL,
  name         text,
  status       text NOT NULL CHECK (status IN ('online', 'away', 'offline')),
  capacity     integer NOT NULL CHECK (capacity >= 0),
  node         uuid NOT NULL,
  since        timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, person_id)
);

-- A turn that a person took over.
ALTER TABLE interactions DROP CONSTRAINT interactions_outcome_check;
ALTER TABLE interactions ADD CONSTRAINT interactions_outcome_check
  CHECK (outcome IN ('resolved', 'asked', 'refused', 'escalated', 'cancelled', 'taken_over'));

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['escalation_feeds', 'notes', 'canned_responses', 'staff_presence']
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

-- Whoever is gone too long is looked for in all workspaces at once, and so is what waits for somebody.
CREATE POLICY lookup ON escalations FOR SELECT TO switchboard_lookup USING (true);
GRANT SELECT ON escalations TO switchboard_lookup;
CREATE POLICY lookup ON staff_presence TO switchboard_lookup USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE ON staff_presence TO switchboard_lookup;
