DROP INDEX submissions_by_contact;
DROP INDEX conversations_by_contact;
DROP INDEX tickets_by_contact;
ALTER TABLE submissions DROP COLUMN contact_id;
ALTER TABLE conversations DROP COLUMN contact_id;
ALTER TABLE tickets DROP COLUMN contact_id;
DROP TABLE contact_words;
DROP TABLE contacts;
