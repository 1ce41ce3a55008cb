-- The value below which this share lies, as percentile_disc has it. Of a bucket from a to b it is 2ab / (a + b), which is
-- off by (b - a) / (a + b) at most: 3.9%.
CREATE FUNCTION switchboard_percentile(histogram bigint[], share double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
  wanted bigint := greatest(1, ceil(share * (SELECT sum(count) FROM unnest(histogram) count)));
  seen   bigint := 0;
BEGIN
  FOR place IN 1 .. cardinality(histogram) LOOP
    seen := seen + histogram[place];
    IF seen >= wanted THEN
      RETURN CASE WHEN place = 1 THEN 0
                  ELSE round((2 * 1.08 ^ (place - 1) / 2.08)::numeric, 2)::double precision END;
    END IF;
  END LOOP;
  RETURN NULL;
END $$;

DELETE FROM interaction_rollup_names WHERE grain = 'month';
ALTER TABLE interaction_rollup_names
  DROP CONSTRAINT interaction_rollup_names_grain_check,
  ADD CONSTRAINT interaction_rollup_names_grain_check CHECK (grain IN ('hour', 'day'));

DELETE FROM interaction_rollups WHERE grain = 'month';
ALTER TABLE interaction_rollups
  DROP CONSTRAINT interaction_rollups_grain_check,
  ADD CONSTRAINT interaction_rollups_grain_check CHECK (grain IN ('hour', 'day'));
