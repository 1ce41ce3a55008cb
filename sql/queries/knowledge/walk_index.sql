-- Before a search by pgvector's index: on for as long as it takes, and in the exact order.
SELECT set_config('hnsw.iterative_scan', 'strict_order', true), set_config('hnsw.max_scan_tuples', '10000000', true)
