-- What is only ever handed back, and never searched, needs no statistics: looking through it was half of what an ANALYZE costs,
-- which a table that is filled quickly needs every few seconds.
ALTER TABLE messages
  ALTER content SET STATISTICS 0, ALTER citations SET STATISTICS 0,
  ALTER attachments SET STATISTICS 0, ALTER metadata SET STATISTICS 0;
ALTER TABLE turn_steps ALTER output SET STATISTICS 0;
ALTER TABLE workflow_states ALTER checkpoint SET STATISTICS 0;
ALTER TABLE agent_states ALTER state SET STATISTICS 0;
ALTER TABLE interactions
  ALTER user_message SET STATISTICS 0, ALTER response SET STATISTICS 0, ALTER detail SET STATISTICS 0;
ALTER TABLE escalations
  ALTER original_request SET STATISTICS 0, ALTER conversation_context SET STATISTICS 0,
  ALTER contact_info SET STATISTICS 0, ALTER summary SET STATISTICS 0;

-- Several histograms as one.
CREATE AGGREGATE switchboard_sum(bigint[]) (SFUNC = switchboard_add, STYPE = bigint[], INITCOND = '{}', PARALLEL = SAFE);
