DROP TABLE stopped_addresses;
DROP TABLE reply_mails;
DROP TABLE thread_links;
ALTER TABLE messages DROP COLUMN by_mail;
ALTER TABLE conversations DROP COLUMN confirmed_email;
ALTER TABLE conversations DROP COLUMN seen_position;
ALTER TABLE accounts DROP COLUMN reply_minutes;
ALTER TABLE accounts DROP COLUMN mails_replies;
