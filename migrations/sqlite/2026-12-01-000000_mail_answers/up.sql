-- The mail that carries a link, and of the token in its address for replies the SHA-256.
ALTER TABLE thread_links ADD COLUMN job_id BIGINT;
ALTER TABLE thread_links ADD COLUMN reply_hash TEXT;
CREATE UNIQUE INDEX thread_links_by_reply ON thread_links (reply_hash) WHERE reply_hash IS NOT NULL;

-- Of a message that came by email: the sender's address if it is not the visitor's, whether a
-- program sent it, and the quotes and the signature around its text.
ALTER TABLE messages ADD COLUMN from_address TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN is_automatic BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE messages ADD COLUMN folded TEXT NOT NULL DEFAULT '';

-- How far a mailbox was read (RFC 3501, 2.3.1.1), and which messages before that are to be read
-- again, as JSON.
CREATE TABLE mailboxes (
    name TEXT NOT NULL PRIMARY KEY,
    uid_validity BIGINT NOT NULL,
    last_uid BIGINT NOT NULL,
    waiting TEXT NOT NULL
);
