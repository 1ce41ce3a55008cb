ALTER TABLE knowledge_chunks DROP COLUMN sentences;
