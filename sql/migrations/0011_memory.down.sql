DROP TRIGGER note_feedback ON message_feedback;
DROP TRIGGER note_finished ON conversations;
DROP FUNCTION switchboard_note_feedback();
DROP FUNCTION switchboard_note_finished();
DROP TABLE finished_conversations;
DROP TABLE memory_items;
DROP TABLE reasoning_traces;
DROP FUNCTION switchboard_count_items();
DROP FUNCTION switchboard_count_traces();
DROP FUNCTION switchboard_count_memory(uuid, text, text, bigint);
DROP TABLE memory_counts;
DROP TABLE memory_stamps;
ALTER TABLE workspaces DROP COLUMN learns;

-- As migration 5 has it.
CREATE OR REPLACE FUNCTION switchboard_index_vectors() RETURNS boolean
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
