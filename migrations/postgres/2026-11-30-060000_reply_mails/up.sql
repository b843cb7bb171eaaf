-- Whether replies that visitors have not seen are mailed to them, and after how many minutes.
ALTER TABLE accounts ADD COLUMN mails_replies BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE accounts ADD COLUMN reply_minutes BIGINT NOT NULL DEFAULT 10;

-- The newest message that the visitor has seen, and the address at which they have shown to read.
ALTER TABLE conversations ADD COLUMN seen_position BIGINT NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN confirmed_email TEXT NOT NULL DEFAULT '';
-- What was written before is no news.
UPDATE conversations SET seen_position = message_count;

-- Whether the reply may be mailed.
ALTER TABLE messages ADD COLUMN by_mail BOOLEAN NOT NULL DEFAULT TRUE;

-- Links to a conversation in mails to its visitor; of the token, the SHA-256. A link holds as
-- long as the conversation has that address, until 90 days after its last message.
CREATE TABLE thread_links (
    token_hash TEXT NOT NULL PRIMARY KEY,
    conversation_seq BIGINT NOT NULL REFERENCES conversations (seq),
    address TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX thread_links_by_conversation ON thread_links (conversation_seq);

-- Mails to visitors with the messages of these positions; named after the job that sends them.
-- They are not sent while sent_at is empty.
CREATE TABLE reply_mails (
    job_id BIGINT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    conversation_seq BIGINT NOT NULL REFERENCES conversations (seq),
    address TEXT NOT NULL,
    first_position BIGINT NOT NULL,
    last_position BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    sent_at TIMESTAMP,
    error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX reply_mails_by_conversation ON reply_mails (conversation_seq, last_position);
CREATE INDEX reply_mails_by_address ON reply_mails (account_id, address, created_at);
CREATE INDEX reply_mails_by_account ON reply_mails (account_id, created_at);

-- Addresses, in lower case, to which the account sends no more mails.
CREATE TABLE stopped_addresses (
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    address TEXT NOT NULL,
    reason TEXT NOT NULL,
    stopped_at TIMESTAMP NOT NULL,
    PRIMARY KEY (account_id, address)
);
