-- The submission that a conversation answers.
ALTER TABLE conversations ADD COLUMN submission_id TEXT;
CREATE INDEX conversations_by_submission ON conversations (account_id, submission_id) WHERE submission_id IS NOT NULL;
