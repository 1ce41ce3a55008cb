DROP TABLE interaction_rollup_names, interaction_rollups, webhook_deliveries, webhooks;
DROP FUNCTION switchboard_percentile(bigint[], double precision);
DROP FUNCTION switchboard_add(bigint[], bigint[]);
DROP AGGREGATE switchboard_histogram(double precision);
DROP FUNCTION switchboard_count(bigint[], double precision);
DROP INDEX conversations_rated, conversations_open, escalations_claimed, interactions_by_intent;
ALTER TABLE interactions DROP COLUMN counted;
ALTER TABLE outbox RENAME COLUMN spread_at TO delivered_at;
ALTER TABLE outbox ADD COLUMN attempts integer NOT NULL DEFAULT 0, ADD COLUMN last_error text;
