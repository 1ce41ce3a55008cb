-- Logging in. A workspace takes registrations by strangers only where somebody said so.
ALTER TABLE workspaces ADD COLUMN registration_open boolean NOT NULL DEFAULT false;

-- One a log-in: the family of its refresh tokens, and what its access tokens name. Ending it ends them all. Its row is
-- locked while a token is exchanged, so that an end and an exchange cannot pass each other unseen.
CREATE TABLE logins (
  workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  id           uuid PRIMARY KEY,
  user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at   timestamptz NOT NULL DEFAULT now(),
  -- That of its newest refresh token.
  expires_at   timestamptz NOT NULL,
  ended_at     timestamptz,
  ended_by     text CHECK (ended_by IN ('logout', 'revoked', 'password', 'reuse')),
  CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE INDEX logins_by_user ON logins (user_id);
CREATE INDEX logins_by_expiry ON logins (expires_at);

-- Those that were used are kept until they would have expired: one of them shown again gives a thief away.
CREATE TABLE refresh_tokens (
  workspace_id uuid NOT NULL,
  token_hash   bytea PRIMARY KEY,
  login_id     uuid NOT NULL REFERENCES logins (id) ON DELETE CASCADE,
  expires_at   timestamptz NOT NULL,
  used_at      timestamptz
);
CREATE INDEX refresh_tokens_by_login ON refresh_tokens (login_id);

-- Whose they are is asked before a workspace is known; what serves clients never reads them.
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['logins', 'refresh_tokens']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY lookup ON %I TO switchboard_lookup USING (true) WITH CHECK (true)', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO switchboard_lookup', name);
  END LOOP;
END $$;
