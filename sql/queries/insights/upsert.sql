-- Folds groups of insights into their contacts: groups of one contact in the order given, a group that was taken in before
-- not again. Everybody takes the locks in one order, of all groups before those of contacts, each by its key: so no two
-- batches wait for each other. Each contact then waits to be indexed. Types of all groups come end to end, those of each
-- up to the place that the next list says.
WITH types AS (
  -- In one pass: to take a slice of an array of texts is to walk it from its beginning.
  SELECT width_bucket(place::integer - 1, $6) + 1 AS ord, array_agg(type ORDER BY place) AS eni_source_types
  FROM unnest($5) WITH ORDINALITY AS t (type, place)
  GROUP BY 1
), subtypes AS (
  SELECT width_bucket(place::integer - 1, $8) + 1 AS ord, array_agg(subtype ORDER BY place) AS eni_source_subtypes
  FROM unnest($7) WITH ORDINALITY AS t (subtype, place)
  GROUP BY 1
), incoming AS (
  SELECT ord, contact_id, group_key, member_name, total_eni_ids, record_count, insights, processing_status, generated_at,
         metadata,
         coalesce(eni_source_types, '{}') AS eni_source_types,
         coalesce(eni_source_subtypes, '{}') AS eni_source_subtypes,
         row_number() OVER (PARTITION BY contact_id, group_key ORDER BY ord) > 1 AS is_repeated
  FROM unnest($2::text[], $3::text[], $4::text[], $9::bigint[], $10::bigint[], $11::jsonb[], $12::text[],
              $13::timestamptz[], $14::jsonb[])
    WITH ORDINALITY AS i (contact_id, group_key, member_name, total_eni_ids, record_count, insights, processing_status,
                          generated_at, metadata, ord)
  LEFT JOIN types USING (ord)
  LEFT JOIN subtypes USING (ord)
), taken AS (
  INSERT INTO insight_groups (workspace_id, contact_id, group_key, taken_at)
  SELECT $1, contact_id, group_key, now()
  FROM incoming
  WHERE group_key IS NOT NULL AND NOT is_repeated
  ORDER BY contact_id, group_key
  ON CONFLICT DO NOTHING
  RETURNING contact_id, group_key
), fresh AS (
  SELECT *
  FROM incoming
  WHERE group_key IS NULL OR (NOT is_repeated AND (contact_id, group_key) IN (SELECT contact_id, group_key FROM taken))
), folded AS (
  SELECT contact_id, count(*) AS groups, clock_timestamp() AS at,
         (array_agg(member_name ORDER BY ord DESC) FILTER (WHERE member_name IS NOT NULL))[1] AS member_name,
         switchboard_concat(eni_source_types ORDER BY ord) AS eni_source_types,
         switchboard_concat(eni_source_subtypes ORDER BY ord) AS eni_source_subtypes,
         sum(total_eni_ids)::bigint AS total_eni_ids,
         sum(record_count)::bigint AS record_count,
         switchboard_merge(insights ORDER BY ord) AS insights,
         (array_agg(processing_status ORDER BY ord DESC))[1] AS processing_status,
         (array_agg(generated_at ORDER BY ord) FILTER (WHERE generated_at IS NOT NULL))[1] AS generated_at,
         (array_agg(metadata ORDER BY ord DESC) FILTER (WHERE metadata IS NOT NULL))[1] AS metadata
  FROM fresh
  GROUP BY contact_id
), stored AS (
  INSERT INTO structured_insights AS s (workspace_id, contact_id, member_name, eni_source_types, eni_source_subtypes,
                                        total_eni_ids, record_count, insights, processing_status, generated_at,
                                        created_at, updated_at, version, metadata)
  SELECT $1, contact_id, member_name,
         CASE WHEN groups > 1 THEN switchboard_set(eni_source_types) ELSE eni_source_types END,
         CASE WHEN groups > 1 THEN switchboard_set(eni_source_subtypes) ELSE eni_source_subtypes END,
         total_eni_ids, record_count, insights, processing_status, coalesce(generated_at, at), at, at, groups,
         metadata
  FROM folded
  ORDER BY contact_id
  ON CONFLICT (workspace_id, contact_id) DO UPDATE
  SET member_name = coalesce(excluded.member_name, s.member_name),
      eni_source_types = CASE WHEN excluded.eni_source_types <@ s.eni_source_types THEN s.eni_source_types
                              ELSE switchboard_set(s.eni_source_types || excluded.eni_source_types) END,
      eni_source_subtypes = CASE WHEN excluded.eni_source_subtypes <@ s.eni_source_subtypes THEN s.eni_source_subtypes
                                 ELSE switchboard_set(s.eni_source_subtypes || excluded.eni_source_subtypes) END,
      total_eni_ids = s.total_eni_ids + excluded.total_eni_ids,
      record_count = s.record_count + excluded.record_count,
      insights = s.insights || excluded.insights,
      processing_status = excluded.processing_status,
      updated_at = greatest(clock_timestamp(), s.updated_at),
      version = s.version + excluded.version,
      metadata = coalesce(excluded.metadata, s.metadata)
  RETURNING contact_id, eni_id, member_name, eni_source_types, eni_source_subtypes, total_eni_ids, record_count, insights,
            processing_status, generated_at, created_at, updated_at, version, metadata, xmax = 0 AS is_new
), unindexed AS (
  INSERT INTO insight_unindexed (workspace_id, contact_id) SELECT $1, contact_id FROM stored
)
SELECT contact_id, eni_id, member_name, eni_source_types, eni_source_subtypes, total_eni_ids, record_count,
       CASE WHEN $15 THEN insights ELSE '{}' END AS insights, processing_status, generated_at, created_at, updated_at, version,
       metadata, is_new, (SELECT count(*) FROM fresh) AS fresh
FROM stored
