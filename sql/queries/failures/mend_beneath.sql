-- What failed before $3 in a file or a folder that was gone through again since.
DELETE FROM processing_failures
WHERE workspace_id = $1 AND kind IN ('import', 'distillation') AND last_at < $3
  AND (regexp_replace(subject, '(:\d+|\[\d+\])$', '') = $2 OR starts_with(subject, $2 || '/'))
