DROP FUNCTION switchboard_index_vectors();
DROP TABLE knowledge_chunks;
DROP TABLE knowledge_documents;
DROP TABLE knowledge_stamps;
