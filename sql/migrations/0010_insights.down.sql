DROP FUNCTION switchboard_find_insights(bigint[], integer, integer[], bigint, bigint, timestamptz, text, bigint);
DROP TABLE insight_counts, insight_words, insight_groups, structured_insights;
DROP FUNCTION switchboard_count_insights();
DROP FUNCTION switchboard_words_beside(bigint[], integer);
DROP AGGREGATE switchboard_merge(jsonb);
DROP AGGREGATE switchboard_concat(anycompatiblearray);
DROP FUNCTION switchboard_set(text[]);
-- The role stays: it belongs to the cluster, where another database may use it.
REVOKE USAGE ON SCHEMA public FROM switchboard_search;
