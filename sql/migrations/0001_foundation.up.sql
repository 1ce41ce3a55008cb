-- Two roles stand between the server and the rows. Every transaction takes one of them, because owners and
-- superusers are not held by row-level security:
--   switchboard_app     sees only the workspaces named in the setting switchboard.workspaces
--   switchboard_lookup  finds out whose credential this is, before a workspace is known
-- Roles belong to the cluster, not to the database: another database may have made them already.
DO $$
BEGIN
  CREATE ROLE switchboard_app NOLOGIN NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$
BEGIN
  CREATE ROLE switchboard_lookup NOLOGIN NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
GRANT switchboard_app, switchboard_lookup TO CURRENT_USER;
GRANT USAGE ON SCHEMA public TO switchboard_app, switchboard_lookup;

-- The workspaces of this transaction; nothing where none was set, so that a forgotten setting shows no row.
CREATE FUNCTION switchboard_workspaces() RETURNS uuid[]
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT string_to_array(nullif(current_setting('switchboard.workspaces', true), ''), ',')::uuid[] $$;

-- Called at the end of a statement that must have touched a known number of rows: the batch is one pipeline,
-- so the server cannot look at a count before its COMMIT is on the way.
CREATE FUNCTION switchboard_expect(actual bigint, expected bigint) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  IF actual <> expected THEN
    RAISE EXCEPTION 'expected % rows, met %', expected, actual USING ERRCODE = 'SB002';
  END IF;
END $$;

-- What is true of the database as a whole. A new log_epoch says: positions handed out earlier mean nothing.
CREATE TABLE deployment (
  only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  log_epoch  uuid NOT NULL DEFAULT gen_random_uuid(),
  created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO deployment DEFAULT VALUES;

-- A node's lease: its incarnation. Whoever takes a node's conversations over raises it.
CREATE TABLE nodes (
  id           uuid PRIMARY KEY,
  incarnation  bigint NOT NULL,
  started_at   timestamptz NOT NULL DEFAULT now(),
  heartbeat_at timestamptz NOT NULL DEFAULT now()
);

-- The first thing in every batch: the row lock keeps a node that was presumed dead from writing, since taking over
-- updates this row and so waits for batches in flight.
CREATE FUNCTION switchboard_hold_lease(node uuid, expected bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public
AS $$
BEGIN
  PERFORM 1 FROM nodes WHERE id = node AND incarnation = expected FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'lease lost' USING ERRCODE = 'SB001';
  END IF;
END $$;

CREATE TABLE workspaces (
  id                uuid PRIMARY KEY,
  slug              text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name              text NOT NULL,
  preset            text,
  -- Signs external_id for verified visitors; readable by the server only.
  identity_secret   text NOT NULL,
  verification_required boolean NOT NULL DEFAULT false,
  allowed_origins   text[] NOT NULL DEFAULT '{}',
  created_at        timestamptz NOT NULL DEFAULT now()
);

-- Visitors belong to one workspace; accounts (workspace_id null) are global and get their rights by user_roles.
CREATE TABLE users (
  id              uuid PRIMARY KEY,
  workspace_id    uuid REFERENCES workspaces (id) ON DELETE CASCADE,
  external_id     text,
  verified        boolean NOT NULL DEFAULT false,
  email           text,
  name            text,
  phone           text,
  password_hash   text,
  resume_hash     bytea,
  resume_used_at  timestamptz,
  metadata        jsonb,
  created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_account_email ON users (lower(email)) WHERE workspace_id IS NULL;
CREATE UNIQUE INDEX users_resume ON users (resume_hash) WHERE resume_hash IS NOT NULL;
CREATE INDEX users_external ON users (workspace_id, external_id) WHERE external_id IS NOT NULL;

CREATE TABLE user_roles (
  workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  role         text NOT NULL CHECK (role IN ('member', 'staff', 'supervisor', 'admin')),
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (workspace_id, user_id, role)
);

-- workspace_id null is a key for all workspaces.
CREATE TABLE api_keys (
  id           uuid PRIMARY KEY,
  workspace_id uuid REFERENCES workspaces (id) ON DELETE CASCADE,
  name         text NOT NULL,
  role         text NOT NULL CHECK (role IN ('service', 'staff', 'supervisor', 'admin')),
  key_hash     bytea NOT NULL UNIQUE,
  created_at   timestamptz NOT NULL DEFAULT now(),
  revoked_at   timestamptz
);
CREATE UNIQUE INDEX api_keys_name ON api_keys (coalesce(workspace_id, '00000000-0000-0000-0000-000000000000'), name)
  WHERE revoked_at IS NULL;

CREATE TABLE audit_log (
  workspace_id uuid,
  id           uuid NOT NULL,
  actor        text NOT NULL,
  action       text NOT NULL,
  subject      text,
  detail       jsonb,
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id)
);
CREATE INDEX audit_log_by_workspace ON audit_log (workspace_id, id);
