DROP POLICY lookup ON escalations;
REVOKE SELECT ON escalations FROM switchboard_lookup;
-- FORCE holds the owner too, who would see no row.
ALTER TABLE interactions NO FORCE ROW LEVEL SECURITY;
UPDATE interactions SET outcome = 'cancelled' WHERE outcome = 'taken_over';
ALTER TABLE interactions FORCE ROW LEVEL SECURITY;
ALTER TABLE interactions DROP CONSTRAINT interactions_outcome_check;
ALTER TABLE interactions ADD CONSTRAINT interactions_outcome_check
  CHECK (outcome IN ('resolved', 'asked', 'refused', 'escalated', 'cancelled'));
DROP TABLE staff_presence, canned_responses, notes;
DROP INDEX conversations_by_status, conversations_by_assignee;
DROP TRIGGER number_escalation ON escalations;
DROP FUNCTION switchboard_number_escalation();
DROP INDEX escalations_in_hand;
ALTER TABLE escalations DROP COLUMN change, DROP COLUMN write_id, DROP COLUMN erased_at;
DROP TABLE escalation_feeds;
