-- Before a page of a long walk: without statistics the planner may sort all that is left of the table for each page.
SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true),
       set_config('enable_seqscan', 'off', true)
