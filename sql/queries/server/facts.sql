-- What the doctor asks of a database that may not have our schema yet.
SELECT current_setting('server_version') AS version,
       current_setting('server_version_num')::int AS number,
       pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean AS read_only,
       current_setting('fsync')::boolean AND current_setting('full_page_writes')::boolean
         AND current_setting('synchronous_commit') <> 'off' AS durable,
       ARRAY(
         SELECT wanted FROM unnest(ARRAY['vector', 'pg_trgm', 'unaccent']) AS wanted
         WHERE NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = wanted)
       ) AS missing,
       clock_timestamp() AS clock
