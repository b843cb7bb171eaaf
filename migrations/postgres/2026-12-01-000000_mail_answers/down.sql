DROP TABLE mailboxes;
ALTER TABLE messages DROP COLUMN folded;
ALTER TABLE messages DROP COLUMN is_automatic;
ALTER TABLE messages DROP COLUMN from_address;
DROP INDEX thread_links_by_reply;
ALTER TABLE thread_links DROP COLUMN reply_hash;
ALTER TABLE thread_links DROP COLUMN job_id;
