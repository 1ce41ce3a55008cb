-- What the desk knows of people: one row a contact, which group after group of insights is folded into.
CREATE TABLE structured_insights (
  workspace_id        uuid NOT NULL,
  contact_id          text NOT NULL,
  eni_id              text NOT NULL GENERATED ALWAYS AS ('COMBINED-' || contact_id || '-ALL') STORED,
  member_name         text,
  eni_source_types    text[] NOT NULL,
  eni_source_subtypes text[] NOT NULL,
  total_eni_ids       bigint NOT NULL,
  record_count        bigint NOT NULL,
  -- By the names of the fields; one that nothing is known of is not there.
  insights            jsonb NOT NULL,
  processing_status   text NOT NULL CHECK (processing_status IN ('pending', 'processing', 'completed', 'failed')),
  generated_at        timestamptz NOT NULL,
  created_at          timestamptz NOT NULL,
  updated_at          timestamptz NOT NULL,
  -- How many groups it was folded from.
  version             bigint NOT NULL,
  metadata            jsonb,
  PRIMARY KEY (workspace_id, contact_id)
);
-- What lists go by, each in both directions.
CREATE INDEX structured_insights_updated ON structured_insights (workspace_id, updated_at, contact_id);
CREATE INDEX structured_insights_created ON structured_insights (workspace_id, created_at, contact_id);
CREATE INDEX structured_insights_generated ON structured_insights (workspace_id, generated_at, contact_id);
CREATE INDEX structured_insights_named ON structured_insights (workspace_id, (coalesce(member_name, '')), contact_id);
CREATE INDEX structured_insights_in_state ON structured_insights (workspace_id, processing_status, updated_at, contact_id);

-- The groups that a contact has taken in: one that comes again changes nothing.
CREATE TABLE insight_groups (
  workspace_id uuid NOT NULL,
  contact_id   text NOT NULL,
  group_key    text NOT NULL,
  taken_at     timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, contact_id, group_key)
);

-- What an insight is found by, apart from it, so that a search reads small rows and a write leaves the index alone where
-- no word has changed. A word is a number, made by the server: the hash of workspace and stem, and in its last three bits
-- the field that the word is in.
CREATE TABLE insight_words (
  workspace_id uuid NOT NULL,
  contact_id   text NOT NULL,
  updated_at   timestamptz NOT NULL,
  -- The fields that have been indexed, a bit each.
  fields       integer NOT NULL,
  words        bigint[] NOT NULL,
  PRIMARY KEY (workspace_id, contact_id)
);
ALTER TABLE insight_words ALTER COLUMN words SET STORAGE EXTERNAL;
CREATE INDEX insight_words_by_word ON insight_words USING gin (words) WITH (gin_pending_list_limit = 1024);

-- How many contacts there are, kept as they come and go: under '' all of a state, under a source type those that have it.
CREATE TABLE insight_counts (
  workspace_id      uuid NOT NULL,
  source_type       text NOT NULL,
  processing_status text NOT NULL,
  contacts          bigint NOT NULL,
  PRIMARY KEY (workspace_id, source_type, processing_status)
);

-- A list without repetitions, in the order of arrival.
CREATE FUNCTION switchboard_set(list text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT coalesce(array_agg(value ORDER BY place), '{}')
  FROM (SELECT value, min(place) AS place FROM unnest(list) WITH ORDINALITY AS l (value, place) GROUP BY value) AS l
$$;
CREATE AGGREGATE switchboard_concat(anycompatiblearray) (SFUNC = array_cat, STYPE = anycompatiblearray, INITCOND = '{}');
CREATE AGGREGATE switchboard_merge(jsonb) (SFUNC = jsonb_concat, STYPE = jsonb, INITCOND = '{}');

-- The words that stay when some fields are written anew.
CREATE FUNCTION switchboard_words_beside(words bigint[], fields integer) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT coalesce(array_agg(word), '{}') FROM unnest(words) word WHERE (1 << (word & 7)::integer) & fields = 0 $$;

-- Keeps the counts, whoever writes. Writers of one workspace that change any take turns from here to their commit: a
-- statement that both inserts and updates comes here twice, so that two could otherwise wait for each other.
CREATE FUNCTION switchboard_count_insights() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
  come   constant text := 'SELECT workspace_id, eni_source_types, processing_status, 1 AS change FROM fresh';
  gone   constant text := 'SELECT workspace_id, eni_source_types, processing_status, -1 FROM former';
  locked uuid;
  moved  record;
BEGIN
  FOR moved IN EXECUTE format(
    'SELECT workspace_id, source_type, processing_status, sum(change) AS change '
    'FROM (%s) AS m (workspace_id, eni_source_types, processing_status, change), '
    '     unnest(array_prepend('''', eni_source_types)) source_type '
    'GROUP BY 1, 2, 3 HAVING sum(change) <> 0 ORDER BY 1, 2, 3',
    CASE TG_OP WHEN 'INSERT' THEN come WHEN 'DELETE' THEN gone ELSE come || ' UNION ALL ' || gone END)
  LOOP
    IF locked IS DISTINCT FROM moved.workspace_id THEN
      PERFORM pg_advisory_xact_lock(hashtextextended('insights of ' || moved.workspace_id, 0));
      locked := moved.workspace_id;
    END IF;
    INSERT INTO insight_counts AS c (workspace_id, source_type, processing_status, contacts)
    VALUES (moved.workspace_id, moved.source_type, moved.processing_status, moved.change)
    ON CONFLICT (workspace_id, source_type, processing_status) DO UPDATE SET contacts = c.contacts + excluded.contacts;
  END LOOP;
  RETURN NULL;
END $$;
CREATE TRIGGER count_come AFTER INSERT ON structured_insights REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION switchboard_count_insights();
CREATE TRIGGER count_changed AFTER UPDATE ON structured_insights REFERENCING OLD TABLE AS former NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION switchboard_count_insights();
CREATE TRIGGER count_gone AFTER DELETE ON structured_insights REFERENCING OLD TABLE AS former
  FOR EACH STATEMENT EXECUTE FUNCTION switchboard_count_insights();

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['structured_insights', 'insight_groups', 'insight_words', 'insight_counts']
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

-- Under row-level security no index is asked with an operator that might leak, and that of arrays might. So words are
-- looked up by a function that runs as the owner, who may read this table alone, and that lets out only rows of the
-- transaction's workspaces: the same wall, in another place.
CREATE POLICY searched ON insight_words FOR SELECT TO CURRENT_USER USING (true);

-- The contacts whose insights hold any of the words asked for, the best first. A word is asked for as one number a field,
-- so that `asked` holds `fields` numbers for each. Rare words weigh more; a cursor brings the weights that its first page
-- was ranked by, so that the order holds from page to page. Of a word that is in more rows than `most`, only so many are
-- looked at: that bounds what common words cost.
CREATE FUNCTION switchboard_find_insights(
  workspace uuid, asked bigint[], fields integer, given integer[], most bigint,
  from_score bigint, from_time timestamptz, from_contact text, page bigint
) RETURNS TABLE (contact_id text, score bigint, updated_at timestamptz, weights integer[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public
AS $$
BEGIN
  RETURN QUERY EXECUTE
    'WITH hit AS MATERIALIZED (
       SELECT q.place, h.contact_id, h.updated_at
       FROM generate_series(1, cardinality($1) / $2) AS q (place), LATERAL (
         SELECT w.contact_id, w.updated_at FROM insight_words w
         WHERE w.words && $1[(q.place - 1) * $2 + 1 : q.place * $2] AND w.workspace_id = $9
         LIMIT $4) AS h
     ), weight AS MATERIALIZED (
       SELECT q.place, coalesce($3[q.place], 1 + round(100 * ln(1 + $4 / greatest(n.rows, 1)::float8))::integer) AS weight
       FROM generate_series(1, cardinality($1) / $2) AS q (place)
       LEFT JOIN (SELECT hit.place, count(*) AS rows FROM hit GROUP BY 1) AS n ON n.place = q.place
     )
     SELECT h.contact_id, h.score, h.updated_at, (SELECT array_agg(weight ORDER BY place) FROM weight)
     FROM (SELECT hit.contact_id, sum(weight.weight) AS score, max(hit.updated_at) AS updated_at
           FROM hit JOIN weight ON weight.place = hit.place GROUP BY hit.contact_id) AS h
     WHERE $5 IS NULL OR (h.score, h.updated_at, h.contact_id) < ($5, $6, $7)
     ORDER BY h.score DESC, h.updated_at DESC, h.contact_id DESC
     LIMIT $8'
    USING asked, fields, given, most, from_score, from_time, from_contact, page,
          (SELECT workspace WHERE workspace = ANY (switchboard_workspaces()));
END $$;
REVOKE EXECUTE ON FUNCTION switchboard_find_insights(uuid, bigint[], integer, integer[], bigint, bigint, timestamptz, text, bigint)
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION switchboard_find_insights(uuid, bigint[], integer, integer[], bigint, bigint, timestamptz, text, bigint)
  TO switchboard_app;
