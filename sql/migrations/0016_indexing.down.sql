-- What waits goes: what is brought again is found again.
DROP TABLE insight_unindexed;
ALTER INDEX insight_words_by_word SET (gin_pending_list_limit = 1024);
