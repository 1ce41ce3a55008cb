-- Syncs of insights to systems elsewhere: what was asked for, and how far it has come. What a crash cuts short is a row that
-- goes on.
CREATE TABLE sync_jobs (
  workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  id           uuid NOT NULL,
  sink         text NOT NULL CHECK (sink IN ('airtable', 'webhook')),
  -- What was asked for, in one word or two: who asks for the same again means this job, until it is done.
  scope        text NOT NULL,
  dry_run      boolean NOT NULL,
  -- Only this one; only those updated since then; without either, all.
  contact_id   text,
  since        timestamptz,
  state        text NOT NULL CHECK (state IN ('open', 'done', 'stopped')),
  error        text CHECK ((error IS NOT NULL) = (state = 'stopped')),
  -- When the pass through the contacts began; null before its first step.
  pass_at      timestamptz,
  -- The contact that it is through with, and all before it in the order of ids.
  cursor       text NOT NULL DEFAULT '',
  -- It was asked for once more since the pass began: another one takes what has changed since then.
  again        boolean NOT NULL DEFAULT false,
  processed    bigint NOT NULL DEFAULT 0,
  created      bigint NOT NULL DEFAULT 0,
  updated      bigint NOT NULL DEFAULT 0,
  failed       bigint NOT NULL DEFAULT 0,
  asked_at     timestamptz NOT NULL,
  worked_at    timestamptz NOT NULL,
  ended_at     timestamptz CHECK ((ended_at IS NULL) = (state = 'open')),
  PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX sync_jobs_asked ON sync_jobs (workspace_id, sink, scope, dry_run) WHERE state <> 'done';
CREATE INDEX sync_jobs_open ON sync_jobs (workspace_id, sink, worked_at, id) WHERE state = 'open';
CREATE INDEX sync_jobs_ended ON sync_jobs (workspace_id, ended_at) WHERE state <> 'open';

-- Contacts that a sink has refused.
CREATE TABLE sync_failures (
  workspace_id uuid NOT NULL,
  job_id       uuid NOT NULL,
  contact_id   text NOT NULL,
  reason       text NOT NULL,
  failed_at    timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, job_id, contact_id),
  FOREIGN KEY (workspace_id, job_id) REFERENCES sync_jobs (workspace_id, id) ON DELETE CASCADE
);

-- Whose turn it is to send: one process at a time, whatever their number, so that a sink's limit holds for all of them.
CREATE TABLE sync_turns (
  workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  sink         text NOT NULL,
  holder       uuid NOT NULL,
  held_until   timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, sink)
);

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['sync_jobs', 'sync_failures', 'sync_turns']
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
