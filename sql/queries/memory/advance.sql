-- First in every change: its row lock makes the changes of a workspace one after the other, each in sight of the last.
INSERT INTO memory_stamps AS s (workspace_id, version) VALUES ($1, 1)
ON CONFLICT (workspace_id) DO UPDATE SET version = s.version + 1
