-- Webhooks: where a workspace is told of what happens. The secret signs; an address of Slack is a secret itself and has none.
CREATE TABLE webhooks (
  workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  id           uuid PRIMARY KEY,
  url          text NOT NULL,
  kind         text NOT NULL CHECK (kind IN ('standard', 'slack')),
  secret       text CHECK ((secret IS NULL) = (kind = 'slack')),
  -- None is every kind of event.
  events       text[] NOT NULL DEFAULT '{}',
  enabled      boolean NOT NULL DEFAULT true,
  created_at   timestamptz NOT NULL
);
CREATE INDEX webhooks_by_workspace ON webhooks (workspace_id, id);

-- An event is spread to the webhooks of its workspace once; how each of them fares is in its delivery.
ALTER TABLE outbox DROP COLUMN attempts, DROP COLUMN last_error;
ALTER TABLE outbox RENAME COLUMN delivered_at TO spread_at;

-- One event on its way to one webhook: it waits, or was delivered, or is dead. A claim moves next_at ahead, so that a
-- delivery whose server died is due again.
CREATE TABLE webhook_deliveries (
  workspace_id uuid NOT NULL,
  outbox_id    uuid NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
  webhook_id   uuid NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  attempts     integer NOT NULL DEFAULT 0,
  next_at      timestamptz NOT NULL,
  -- The node that is at it.
  claimed_by   uuid,
  -- Since when it is tried: after a day it is dead, and a replay begins a new day.
  since        timestamptz NOT NULL,
  delivered_at timestamptz,
  dead_at      timestamptz,
  last_error   text,
  PRIMARY KEY (outbox_id, webhook_id)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_at)
  WHERE delivered_at IS NULL AND dead_at IS NULL;
CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (workspace_id, outbox_id) WHERE dead_at IS NOT NULL;

-- What the dashboard reads: sums by hour and by day, so that a year is some hundreds of rows. A mode of '*' is all of
-- them. An interaction is counted in the transaction that marks it, so each is counted once, whenever it was committed.
ALTER TABLE interactions ADD COLUMN counted boolean NOT NULL DEFAULT false;
CREATE INDEX interactions_uncounted ON interactions (id) WHERE NOT counted;
CREATE INDEX interactions_by_intent ON interactions (workspace_id, intent, created_at DESC, id DESC);
CREATE INDEX escalations_claimed ON escalations (workspace_id, claimed_at) WHERE claimed_at IS NOT NULL;
CREATE INDEX conversations_open ON conversations (workspace_id, mode) WHERE status IN ('active', 'waiting', 'with_staff');
CREATE INDEX conversations_rated ON conversations (workspace_id, id) WHERE rating IS NOT NULL;

CREATE TABLE interaction_rollups (
  workspace_id      uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  grain             text NOT NULL CHECK (grain IN ('hour', 'day')),
  at                timestamptz NOT NULL,
  mode              text NOT NULL,
  interactions      bigint NOT NULL DEFAULT 0,
  resolved          bigint NOT NULL DEFAULT 0,
  escalated         bigint NOT NULL DEFAULT 0,
  errors            bigint NOT NULL DEFAULT 0,
  confidences       bigint NOT NULL DEFAULT 0,
  confidence_sum    double precision NOT NULL DEFAULT 0,
  processing_ms     bigint[] NOT NULL DEFAULT '{0}',
  first_response_ms bigint[] NOT NULL DEFAULT '{0}',
  PRIMARY KEY (workspace_id, grain, mode, at)
);

-- The same by intent, by category and by what triggered an escalation. They are many, so here each is in its mode alone.
CREATE TABLE interaction_rollup_names (
  workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  grain        text NOT NULL CHECK (grain IN ('hour', 'day')),
  at           timestamptz NOT NULL,
  mode         text NOT NULL,
  dimension    text NOT NULL CHECK (dimension IN ('intent', 'category', 'trigger')),
  name         text NOT NULL,
  interactions bigint NOT NULL,
  escalated    bigint NOT NULL,
  PRIMARY KEY (workspace_id, grain, at, mode, dimension, name)
);

-- A histogram is an array of counts. The first is of zeros; the n-th is of values from 1.08^(n-2) up to 1.08^(n-1).
CREATE FUNCTION switchboard_count(histogram bigint[], value double precision) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  place integer := CASE WHEN value < 1 THEN 1 ELSE 2 + floor(ln(value) / ln(1.08::double precision))::integer END;
BEGIN
  IF value IS NULL THEN
    RETURN histogram;
  END IF;
  IF place > cardinality(histogram) THEN
    histogram := histogram || array_fill(0::bigint, ARRAY[place - cardinality(histogram)]);
  END IF;
  histogram[place] := histogram[place] + 1;
  RETURN histogram;
END $$;

CREATE AGGREGATE switchboard_histogram(double precision) (
  SFUNC = switchboard_count, STYPE = bigint[], INITCOND = '{0}'
);

CREATE FUNCTION switchboard_add(one bigint[], other bigint[]) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT array_agg(coalesce(a, 0) + coalesce(b, 0) ORDER BY place)
  FROM ROWS FROM (unnest(one), unnest(other)) WITH ORDINALITY AS counts (a, b, place)
$$;

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

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['webhooks', 'webhook_deliveries', 'interaction_rollups', 'interaction_rollup_names']
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
