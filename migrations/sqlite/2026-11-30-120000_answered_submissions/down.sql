DROP INDEX conversations_by_submission;
ALTER TABLE conversations DROP COLUMN submission_id;
