-- The words stay as they are: what is brought again is indexed again.
CREATE OR REPLACE FUNCTION switchboard_find_insights(
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
