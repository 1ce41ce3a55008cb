REVOKE DELETE ON audit_log FROM switchboard_lookup;
DROP FUNCTION switchboard_due_conversations(timestamptz, bigint);
DROP INDEX audit_log_by_time;
DROP INDEX outbox_spread;
DROP INDEX interactions_by_time;
DROP INDEX turn_steps_by_time;
DROP INDEX conversations_closed;
