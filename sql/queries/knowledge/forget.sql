-- Takes the vectors of other embedders from some documents; which those were.
WITH cleared AS (
  UPDATE knowledge_chunks
  SET embedding = NULL, sentences = NULL, embedder = NULL
  WHERE workspace_id = $1 AND document_id = ANY ($2) AND embedder <> $3
  RETURNING document_id
)
SELECT document_id AS id, count(*) AS chunks FROM cleared GROUP BY document_id
