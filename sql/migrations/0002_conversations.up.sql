-- The row that a conversation's state is advanced in. Its log is the table messages; a message never touches this row
-- unless it changes the state, so that a busy conversation costs one insert a message.
CREATE TABLE conversations (
  id                uuid PRIMARY KEY,
  workspace_id      uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  user_id           uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  session_id        text,
  status            text NOT NULL CHECK (status IN ('active', 'waiting', 'with_staff', 'resolved', 'closed')),
  owner             text NOT NULL CHECK (owner IN ('ai', 'staff', 'none')),
  mode              text CHECK (mode IN ('customer', 'banker')),
  assignee_id       uuid,
  assignee_name     text,
  escalation_id     uuid,
  escalation_status text,
  rating            smallint CHECK (rating BETWEEN 1 AND 5),
  rating_comment    text,
  version           bigint NOT NULL,
  owner_epoch       bigint NOT NULL DEFAULT 0,
  -- The write that made this version: one repeated after an unknown commit finds itself here and has succeeded.
  write_id          uuid NOT NULL,
  user_read_seq     bigint NOT NULL DEFAULT 0,
  staff_read_seq    bigint NOT NULL DEFAULT 0,
  metadata          jsonb,
  created_at        timestamptz NOT NULL,
  updated_at        timestamptz NOT NULL
);
CREATE INDEX conversations_by_user ON conversations (user_id, id DESC);
CREATE UNIQUE INDEX conversations_by_session ON conversations (user_id, session_id) WHERE session_id IS NOT NULL;
CREATE INDEX conversations_by_workspace ON conversations (workspace_id, id DESC);

-- client_id is null for what the server itself wrote. No foreign key to conversations: it would lock that row once a message. Both are written in one transaction,
-- and `switchboard doctor --data` looks for orphans.
CREATE TABLE messages (
  conversation_id uuid NOT NULL,
  seq             bigint NOT NULL CHECK (seq > 0),
  id              uuid NOT NULL,
  client_id       uuid,
  workspace_id    uuid NOT NULL,
  role            text NOT NULL CHECK (role IN ('user', 'assistant', 'staff', 'system')),
  agent_name      text,
  author_id       uuid,
  author_name     text,
  content         text NOT NULL,
  citations       jsonb,
  attachments     jsonb,
  metadata        jsonb,
  created_at      timestamptz NOT NULL,
  PRIMARY KEY (conversation_id, seq)
);
CREATE UNIQUE INDEX messages_by_client ON messages (conversation_id, client_id);

-- What a visitor said of an answer; the trace of its turn takes it from here.
CREATE TABLE message_feedback (
  conversation_id uuid NOT NULL,
  message_id      uuid NOT NULL,
  workspace_id    uuid NOT NULL,
  helpful         boolean NOT NULL,
  comment         text,
  created_at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (conversation_id, message_id)
);

-- conversation_id has no cascade: deleting a person never deletes what was escalated.
CREATE TABLE escalations (
  workspace_id         uuid NOT NULL,
  id                   uuid PRIMARY KEY,
  version              bigint NOT NULL,
  conversation_id      uuid NOT NULL,
  interaction_id       uuid,
  issue_type           text,
  trigger_type         text NOT NULL,
  reason               text,
  original_request     text,
  status               text NOT NULL CHECK (status IN ('pending', 'notified', 'in_progress', 'resolved')),
  contact_info         jsonb,
  conversation_context jsonb,
  summary              text,
  priority             smallint NOT NULL DEFAULT 0,
  assignee_id          uuid,
  assignee_name        text,
  resolution           text,
  created_at           timestamptz NOT NULL,
  notified_at          timestamptz,
  claimed_at           timestamptz,
  resolved_at          timestamptz,
  updated_at           timestamptz NOT NULL
);
CREATE INDEX escalations_by_conversation ON escalations (conversation_id, id DESC);
CREATE INDEX escalations_by_workspace ON escalations (workspace_id, status, id DESC);
