-- What retention finds its rows by, oldest first.
CREATE INDEX conversations_closed ON conversations (updated_at, id) WHERE status = 'closed';
CREATE INDEX turn_steps_by_time ON turn_steps (started_at);
CREATE INDEX interactions_by_time ON interactions (created_at);
CREATE INDEX outbox_spread ON outbox (spread_at) WHERE spread_at IS NOT NULL;
CREATE INDEX audit_log_by_time ON audit_log (created_at);

-- The conversations that may go: closed, quiet since, and with nothing open that a person was asked for. Said once, since
-- all that belongs to a conversation goes by it.
CREATE FUNCTION switchboard_due_conversations(before timestamptz, most bigint) RETURNS SETOF uuid
LANGUAGE sql STABLE
AS $$
  SELECT c.id FROM conversations c
  WHERE c.status = 'closed' AND c.updated_at < before
    AND NOT EXISTS (SELECT FROM escalations e WHERE e.conversation_id = c.id AND e.status <> 'resolved')
  ORDER BY c.updated_at, c.id
  LIMIT most
$$;

-- The audit log has rows of no workspace, so the role that writes those is the one that ends them.
GRANT DELETE ON audit_log TO switchboard_lookup;
