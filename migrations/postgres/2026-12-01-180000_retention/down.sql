ALTER TABLE accounts DROP COLUMN submission_days;
ALTER TABLE accounts DROP COLUMN conversation_days;
ALTER TABLE accounts DROP COLUMN ticket_days;
