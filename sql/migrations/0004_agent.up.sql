-- The agent's side of a conversation. A checkpoint holds only what the log does not: one row, overwritten each turn.
-- The columns of the open turn are null between turns; a turn that is open when its process dies is finished by the next.
CREATE TABLE workflow_states (
  conversation_id    uuid PRIMARY KEY,
  workspace_id       uuid NOT NULL,
  workflow_type      text NOT NULL,
  turn               bigint NOT NULL CHECK (turn >= 0),
  step               text,
  awaiting           text CHECK (awaiting IN ('contact_details', 'confirmation', 'staff')),
  reply_id           uuid,
  from_seq           bigint,
  upto_seq           bigint,
  opened_at          timestamptz,
  checkpoint_version smallint NOT NULL,
  checkpoint         jsonb NOT NULL,
  updated_at         timestamptz NOT NULL,
  CHECK ((reply_id IS NULL) = (from_seq IS NULL) AND (reply_id IS NULL) = (upto_seq IS NULL)
         AND (reply_id IS NULL) = (opened_at IS NULL))
);
CREATE INDEX workflow_states_open ON workflow_states (conversation_id) WHERE reply_id IS NOT NULL;

-- What each agent remembers of a conversation, overwritten by its next turn in it.
CREATE TABLE agent_states (
  conversation_id uuid NOT NULL,
  agent_name      text NOT NULL,
  workspace_id    uuid NOT NULL,
  turn            bigint NOT NULL,
  state           jsonb NOT NULL,
  updated_at      timestamptz NOT NULL,
  PRIMARY KEY (conversation_id, agent_name)
);

-- A recorded step never runs again.
CREATE TABLE turn_steps (
  conversation_id uuid NOT NULL,
  turn            bigint NOT NULL,
  step            text NOT NULL,
  workspace_id    uuid NOT NULL,
  status          text NOT NULL CHECK (status IN ('done', 'failed', 'skipped')),
  started_at      timestamptz NOT NULL,
  ms              bigint NOT NULL,
  output          jsonb NOT NULL,
  PRIMARY KEY (conversation_id, turn, step)
);

-- One a turn: what was decided, for audit and for the dashboard.
CREATE TABLE interactions (
  workspace_id       uuid NOT NULL,
  id                 uuid PRIMARY KEY,
  conversation_id    uuid NOT NULL,
  turn               bigint NOT NULL,
  mode               text,
  agent_name         text,
  user_message       text,
  response           text,
  intent             text,
  category           text,
  confidence         real,
  outcome            text NOT NULL CHECK (outcome IN ('resolved', 'asked', 'refused', 'escalated', 'cancelled')),
  escalated          boolean NOT NULL,
  trigger_type       text,
  reason             text,
  brain              text,
  processing_time_ms bigint NOT NULL,
  detail             jsonb,
  created_at         timestamptz NOT NULL,
  UNIQUE (conversation_id, turn)
);
CREATE INDEX interactions_by_workspace ON interactions (workspace_id, created_at DESC, id DESC);

-- What is to be told to somebody outside, once it is committed: at least once, under one id.
CREATE TABLE outbox (
  workspace_id uuid NOT NULL,
  id           uuid PRIMARY KEY,
  kind         text NOT NULL,
  subject_id   uuid NOT NULL,
  payload      jsonb NOT NULL,
  attempts     integer NOT NULL DEFAULT 0,
  next_at      timestamptz NOT NULL,
  delivered_at timestamptz,
  last_error   text,
  created_at   timestamptz NOT NULL
);
CREATE INDEX outbox_due ON outbox (next_at) WHERE delivered_at IS NULL;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['workflow_states', 'agent_states', 'turn_steps', 'interactions', 'outbox']
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

-- The turns that a process left open are looked for before any workspace is known.
CREATE POLICY lookup ON workflow_states FOR SELECT TO switchboard_lookup USING (true);
GRANT SELECT ON workflow_states TO switchboard_lookup;
