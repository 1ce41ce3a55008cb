-- What the desk learned: traces of work that was done, and the items of each that are worth remembering. A vector is a
-- plain array, as those of the knowledge are, and what has none waits for one.

-- Staff answers may be quoted to other visitors only where somebody said so.
ALTER TABLE workspaces ADD COLUMN learns boolean NOT NULL DEFAULT false;

-- One row a workspace, raised by each change: it orders the changes, and tells a search that what it holds is old.
CREATE TABLE memory_stamps (
  workspace_id uuid PRIMARY KEY REFERENCES workspaces (id) ON DELETE CASCADE,
  version      bigint NOT NULL
);

CREATE TABLE reasoning_traces (
  workspace_id    uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  id              uuid NOT NULL,
  task            text NOT NULL,
  trajectory      jsonb NOT NULL,
  outcome         text NOT NULL CHECK (outcome IN ('success', 'failure', 'partial')),
  metadata        jsonb,
  -- What it is drawn from; null for one that was added by a request or an import. Whoever is erased takes theirs along.
  conversation_id uuid,
  visitor_id      uuid,
  task_embedding  real[] CHECK (array_length(task_embedding, 1) = 384),
  embedder        text CHECK ((embedder IS NULL) = (task_embedding IS NULL)),
  -- That of the stamp at its last change.
  version         bigint NOT NULL,
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX reasoning_traces_by_conversation ON reasoning_traces (workspace_id, conversation_id)
  WHERE conversation_id IS NOT NULL;
CREATE INDEX reasoning_traces_by_visitor ON reasoning_traces (workspace_id, visitor_id) WHERE visitor_id IS NOT NULL;
CREATE INDEX reasoning_traces_waiting ON reasoning_traces (workspace_id, id) WHERE task_embedding IS NULL;

CREATE TABLE memory_items (
  workspace_id    uuid NOT NULL,
  trace_id        uuid NOT NULL,
  ordinal         integer NOT NULL CHECK (ordinal > 0),
  id              uuid NOT NULL,
  title           text NOT NULL,
  description     text NOT NULL,
  content         text NOT NULL,
  error_context   jsonb,
  pattern_tags    text[] NOT NULL,
  domain_category text,
  -- What the agent may do with it, where it is drawn from a conversation.
  use             text CHECK (use IN ('quote', 'page', 'hint')),
  -- With `page`: the document that answered.
  document_id     uuid CHECK ((document_id IS NOT NULL) = (use IS NOT DISTINCT FROM 'page')),
  embedding       real[] CHECK (array_length(embedding, 1) = 384),
  embedder        text CHECK ((embedder IS NULL) = (embedding IS NULL)),
  created_at      timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, trace_id, ordinal),
  UNIQUE (workspace_id, id),
  FOREIGN KEY (workspace_id, trace_id) REFERENCES reasoning_traces (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX memory_items_waiting ON memory_items (workspace_id, trace_id, ordinal) WHERE embedding IS NULL;

-- How many there are of each outcome, and of each domain.
CREATE TABLE memory_counts (
  workspace_id uuid NOT NULL,
  kind         text NOT NULL CHECK (kind IN ('outcome', 'domain')),
  name         text NOT NULL,
  total        bigint NOT NULL,
  PRIMARY KEY (workspace_id, kind, name)
);

-- Conversations that came to an end, or were judged after it, and wait to be learned from.
CREATE TABLE finished_conversations (
  workspace_id    uuid NOT NULL,
  conversation_id uuid PRIMARY KEY,
  -- It came to its end; what is only judged changes a trace that is there, and makes none.
  ended           boolean NOT NULL,
  -- Raised by each addition, so that one which comes while it is learned from is not lost.
  pass            bigint NOT NULL DEFAULT 1
);
CREATE INDEX finished_conversations_by_workspace ON finished_conversations (workspace_id, conversation_id);

-- Why triggers: whoever changes a row, this program or not, cannot forget to count it, or to learn from it.
CREATE FUNCTION switchboard_count_traces() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN
    PERFORM switchboard_count_memory(OLD.workspace_id, 'outcome', OLD.outcome, -1);
  END IF;
  IF TG_OP <> 'DELETE' THEN
    PERFORM switchboard_count_memory(NEW.workspace_id, 'outcome', NEW.outcome, 1);
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION switchboard_count_items() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  -- Those of no domain are counted too, under a name that no domain has.
  IF TG_OP <> 'INSERT' THEN
    PERFORM switchboard_count_memory(OLD.workspace_id, 'domain', coalesce(OLD.domain_category, ''), -1);
  END IF;
  IF TG_OP <> 'DELETE' THEN
    PERFORM switchboard_count_memory(NEW.workspace_id, 'domain', coalesce(NEW.domain_category, ''), 1);
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION switchboard_count_memory(workspace uuid, kind text, name text, change bigint) RETURNS void
LANGUAGE sql
AS $$
  INSERT INTO memory_counts AS c (workspace_id, kind, name, total) VALUES (workspace, kind, name, change)
  ON CONFLICT (workspace_id, kind, name) DO UPDATE SET total = c.total + excluded.total
$$;

CREATE FUNCTION switchboard_note_finished() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  INSERT INTO finished_conversations AS f (workspace_id, conversation_id, ended)
  VALUES (NEW.workspace_id, NEW.id, NEW.status <> OLD.status)
  ON CONFLICT (conversation_id) DO UPDATE SET ended = f.ended OR excluded.ended, pass = f.pass + 1;
  RETURN NULL;
END $$;

CREATE FUNCTION switchboard_note_feedback() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  INSERT INTO finished_conversations AS f (workspace_id, conversation_id, ended)
  VALUES (NEW.workspace_id, NEW.conversation_id, false)
  ON CONFLICT (conversation_id) DO UPDATE SET pass = f.pass + 1;
  RETURN NULL;
END $$;

CREATE TRIGGER count_traces AFTER INSERT OR DELETE OR UPDATE OF outcome ON reasoning_traces
  FOR EACH ROW EXECUTE FUNCTION switchboard_count_traces();
CREATE TRIGGER count_items AFTER INSERT OR DELETE OR UPDATE OF domain_category ON memory_items
  FOR EACH ROW EXECUTE FUNCTION switchboard_count_items();
CREATE TRIGGER note_finished AFTER UPDATE ON conversations
  FOR EACH ROW WHEN (NEW.status IN ('resolved', 'closed')
                     AND (OLD.status <> NEW.status OR OLD.rating IS DISTINCT FROM NEW.rating))
  EXECUTE FUNCTION switchboard_note_finished();
CREATE TRIGGER note_feedback AFTER INSERT OR UPDATE ON message_feedback
  FOR EACH ROW EXECUTE FUNCTION switchboard_note_feedback();

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY
    ARRAY['memory_stamps', 'reasoning_traces', 'memory_items', 'memory_counts', 'finished_conversations']
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

-- What waits to be learned from is looked for in all workspaces at once.
CREATE POLICY lookup ON finished_conversations FOR SELECT TO switchboard_lookup USING (true);
GRANT SELECT ON finished_conversations TO switchboard_lookup;

-- The indexes of both: what migration 5 has for the knowledge, and the same for what was learned.
CREATE OR REPLACE FUNCTION switchboard_index_vectors() RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
  home text;
  name text;
BEGIN
  BEGIN
    CREATE EXTENSION IF NOT EXISTS vector;
  EXCEPTION
    WHEN undefined_file OR feature_not_supported OR insufficient_privilege OR undefined_object THEN
      RETURN false;
  END;
  SELECT n.nspname INTO home
  FROM pg_extension e
  JOIN pg_namespace n ON n.oid = e.extnamespace
  WHERE e.extname = 'vector' AND string_to_array(e.extversion, '.')::int[] >= ARRAY[0, 8];
  IF home IS NULL THEN
    RETURN false;
  END IF;
  FOREACH name IN ARRAY ARRAY['knowledge_chunks', 'memory_items']
  LOOP
    EXECUTE format(
      'CREATE INDEX IF NOT EXISTS %1$I ON %2$I '
      'USING hnsw ((embedding::%3$I.vector(384)) %3$I.vector_cosine_ops) WHERE embedder = ''minilm''',
      name || '_by_vector', name, home);
  END LOOP;
  RETURN true;
END $$;
SELECT switchboard_index_vectors();
