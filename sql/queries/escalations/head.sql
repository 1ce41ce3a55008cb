-- The number of a workspace's latest change to an escalation.
SELECT coalesce((SELECT head FROM escalation_feeds WHERE workspace_id = $1), 0) AS head
