DROP AGGREGATE switchboard_sum(bigint[]);

ALTER TABLE escalations
  ALTER original_request SET STATISTICS -1, ALTER conversation_context SET STATISTICS -1,
  ALTER contact_info SET STATISTICS -1, ALTER summary SET STATISTICS -1;
ALTER TABLE interactions
  ALTER user_message SET STATISTICS -1, ALTER response SET STATISTICS -1, ALTER detail SET STATISTICS -1;
ALTER TABLE agent_states ALTER state SET STATISTICS -1;
ALTER TABLE workflow_states ALTER checkpoint SET STATISTICS -1;
ALTER TABLE turn_steps ALTER output SET STATISTICS -1;
ALTER TABLE messages
  ALTER content SET STATISTICS -1, ALTER citations SET STATISTICS -1,
  ALTER attachments SET STATISTICS -1, ALTER metadata SET STATISTICS -1;
