-- After how many days old data is moved to the trash; never if empty.
ALTER TABLE accounts ADD COLUMN ticket_days BIGINT;
ALTER TABLE accounts ADD COLUMN conversation_days BIGINT;
ALTER TABLE accounts ADD COLUMN submission_days BIGINT;
