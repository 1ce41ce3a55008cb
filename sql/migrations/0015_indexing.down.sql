-- What waits goes: what is brought again is found again.
DROP TABLE insight_unindexed;

-- The words that stay when some fields are written anew.
CREATE FUNCTION switchboard_words_beside(words bigint[], fields integer) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT coalesce(array_agg(word), '{}') FROM unnest(words) word WHERE (1 << (word & 7)::integer) & fields = 0 $$;
ALTER TABLE insight_words DROP COLUMN version, ADD COLUMN fields integer NOT NULL DEFAULT 0;
ALTER TABLE insight_words ALTER COLUMN fields DROP DEFAULT;
