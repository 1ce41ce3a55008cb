-- Before a batch changes escalations: the feeds of its workspaces are locked in one order, whatever order the changes
-- come in, so that two batches never wait for each other.
INSERT INTO escalation_feeds AS f (workspace_id, head)
SELECT workspace_id, 0 FROM unnest($1::uuid[]) AS w (workspace_id) ORDER BY workspace_id
ON CONFLICT (workspace_id) DO UPDATE SET head = f.head
