DROP FUNCTION switchboard_find_insights(uuid, bigint[], integer, integer[], bigint, bigint, timestamptz, text, bigint);
DROP TABLE insight_counts, insight_words, insight_groups, structured_insights;
DROP FUNCTION switchboard_count_insights();
DROP FUNCTION switchboard_words_beside(bigint[], integer);
DROP AGGREGATE switchboard_merge(jsonb);
DROP AGGREGATE switchboard_concat(anycompatiblearray);
DROP FUNCTION switchboard_set(text[]);
