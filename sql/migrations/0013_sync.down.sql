DROP TABLE sync_turns, sync_failures, sync_jobs;
