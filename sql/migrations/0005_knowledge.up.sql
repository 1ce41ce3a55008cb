-- What answers are drawn from: documents, and the chunks that are searched and quoted. A chunk without a vector waits
-- for one; vectors are plain arrays, so that everything works without pgvector.

-- One row a workspace, raised by each change: it orders the changes, and tells a search that what it holds is old.
CREATE TABLE knowledge_stamps (
  workspace_id uuid PRIMARY KEY REFERENCES workspaces (id) ON DELETE CASCADE,
  version      bigint NOT NULL
);

CREATE TABLE knowledge_documents (
  workspace_id     uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  id               uuid NOT NULL,
  -- The file or preset that it was imported from; null for one that was added by a request.
  source           text,
  title            text NOT NULL,
  source_url       text,
  content          text NOT NULL,
  content_type     text NOT NULL CHECK (content_type IN ('public', 'synthetic')),
  topic_collection text,
  metadata         jsonb,
  -- Of all of the above: an import leaves alone what has the same.
  content_hash     bytea NOT NULL,
  status           text NOT NULL CHECK (status IN ('pending', 'ready')),
  -- That of the stamp at its last change.
  version          bigint NOT NULL,
  created_at       timestamptz NOT NULL,
  updated_at       timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX knowledge_documents_by_source ON knowledge_documents (workspace_id, source) WHERE source IS NOT NULL;

CREATE TABLE knowledge_chunks (
  workspace_id uuid NOT NULL,
  document_id  uuid NOT NULL,
  ordinal      integer NOT NULL CHECK (ordinal > 0),
  -- The headings above it, the outermost first.
  heading      text NOT NULL,
  content      text NOT NULL,
  -- Of what is embedded: a chunk that keeps it keeps its vector.
  content_hash bytea NOT NULL,
  embedding    real[] CHECK (array_length(embedding, 1) = 384),
  embedder     text CHECK ((embedder IS NULL) = (embedding IS NULL)),
  PRIMARY KEY (workspace_id, document_id, ordinal),
  FOREIGN KEY (workspace_id, document_id) REFERENCES knowledge_documents (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX knowledge_chunks_waiting ON knowledge_chunks (workspace_id, document_id, ordinal) WHERE embedding IS NULL;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['knowledge_stamps', 'knowledge_documents', 'knowledge_chunks']
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

-- The index of large knowledge bases, where pgvector 0.8 is; whether it is there now. Where the extension comes later
-- than this migration, its owner calls this again. The cast is immutable, and each embedder needs an index of its own:
-- vectors of different ones cannot be compared.
CREATE FUNCTION switchboard_index_vectors() RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
  home text;
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
  EXECUTE format(
    'CREATE INDEX IF NOT EXISTS knowledge_chunks_by_vector ON knowledge_chunks '
    'USING hnsw ((embedding::%1$I.vector(384)) %1$I.vector_cosine_ops) WHERE embedder = ''minilm''', home);
  RETURN true;
END $$;
SELECT switchboard_index_vectors();
