-- The table of ours that is furthest from what the planner knows of it: one that has grown to twice that. Where nobody else sees
-- to tables (`$1`), also one that has changed by a tenth, has many dead rows, or rows so old that they must be frozen.
SELECT relid::regclass::text AS name, is_full_of_dead AS vacuum
FROM (
  SELECT s.relid, s.n_live_tup, s.n_dead_tup, s.n_mod_since_analyze, greatest(c.reltuples, 0) AS known,
    $1 AND (s.n_dead_tup > 1000 + 0.2 * greatest(c.reltuples, 0) OR age(c.relfrozenxid) > 150000000) AS is_full_of_dead
  FROM pg_stat_user_tables s
  JOIN pg_class c ON c.oid = s.relid
  WHERE s.schemaname = 'public' AND pg_has_role(session_user, c.relowner, 'USAGE')
) t
WHERE n_live_tup > 500 + 2 * known OR ($1 AND n_mod_since_analyze > 500 + 0.1 * known) OR is_full_of_dead
ORDER BY (n_live_tup + n_dead_tup) / (500 + known) DESC
LIMIT 1
