DROP FUNCTION switchboard_distilled(uuid, uuid, timestamptz, bigint, bigint);
DROP TABLE distillations;
DROP TABLE processing_failures;
