-- Opens every read: it sees only the workspaces it was asked for. What is asked is answered before workers, or a compiled plan,
-- would be ready, though the planner of a large table may not think so.
SELECT set_config('switchboard.workspaces', $1, true), set_config('max_parallel_workers_per_gather', '0', true),
       set_config('jit', 'off', true)
