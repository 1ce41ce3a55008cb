-- Items that wait for a vector, and tasks (as what comes before the first item), of all workspaces of the transaction;
-- each with a digest of what it says, by which it is found again if it still says that.
(SELECT i.workspace_id, i.trace_id, i.ordinal, i.title, i.description, i.content,
        md5(concat_ws(chr(10), i.title, i.description, i.content)) AS digest
 FROM memory_items i
 WHERE i.embedding IS NULL
 ORDER BY i.workspace_id, i.trace_id, i.ordinal
 LIMIT $1)
UNION ALL
(SELECT t.workspace_id, t.id, 0, t.task, '', '', md5(t.task)
 FROM reasoning_traces t
 WHERE t.task_embedding IS NULL
 ORDER BY t.workspace_id, t.id
 LIMIT $1)
LIMIT $1
