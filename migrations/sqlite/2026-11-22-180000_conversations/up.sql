-- The chat bubbles of an account: one for each website or purpose.
CREATE TABLE widgets (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    allowed_origins TEXT NOT NULL,
    ask_name BOOLEAN NOT NULL,
    ask_email BOOLEAN NOT NULL,
    colour TEXT NOT NULL,
    language TEXT NOT NULL,
    -- What the bubble says, as JSON; what is missing is said in English.
    texts TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    -- Switched off: as if it were not there.
    is_off BOOLEAN NOT NULL
);
CREATE INDEX widgets_by_account ON widgets (account_id, id);

-- Whose conversation it is: of the secret in the visitor's browser, the SHA-256.
ALTER TABLE conversations ADD COLUMN widget_id BIGINT REFERENCES widgets (id);
ALTER TABLE conversations ADD COLUMN visitor_hash TEXT;
-- The position of the team's latest message: what comes after is the visitor's.
ALTER TABLE conversations ADD COLUMN answered_position BIGINT NOT NULL DEFAULT 0;
-- Since when the visitor waits for an answer; empty while nobody waits.
ALTER TABLE conversations ADD COLUMN waiting_since TIMESTAMP;
UPDATE conversations SET answered_position = (
    SELECT COALESCE(MAX(position), 0) FROM messages WHERE conversation_seq = conversations.seq AND sender = 'agent'
);
UPDATE conversations SET waiting_since = last_message_at WHERE status = 'open' AND message_count > answered_position;
CREATE INDEX conversations_by_visitor ON conversations (widget_id, visitor_hash, seq) WHERE visitor_hash IS NOT NULL;
CREATE INDEX conversations_all ON conversations (account_id, last_message_at, seq) WHERE deleted_at IS NULL;
CREATE INDEX conversations_waiting ON conversations (account_id, waiting_since, seq) WHERE waiting_since IS NOT NULL AND deleted_at IS NULL;

-- Made by whoever sent it, so that sending it again adds nothing.
ALTER TABLE messages ADD COLUMN client_id TEXT;
CREATE UNIQUE INDEX messages_by_client_id ON messages (conversation_seq, client_id) WHERE client_id IS NOT NULL;

-- How far each user has read.
CREATE TABLE conversation_marks (
    user_id BIGINT NOT NULL REFERENCES users (id),
    conversation_seq BIGINT NOT NULL REFERENCES conversations (seq),
    position BIGINT NOT NULL,
    PRIMARY KEY (user_id, conversation_seq)
);
CREATE INDEX conversation_marks_by_conversation ON conversation_marks (conversation_seq);

-- What our own page after sending says; a sentence of ours when empty.
ALTER TABLE forms ADD COLUMN thanks TEXT NOT NULL DEFAULT '';
-- Switched off: as if it were not there.
ALTER TABLE forms ADD COLUMN is_off BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX forms_by_name ON forms (account_id, name, id);
CREATE INDEX submissions_all ON submissions (account_id, created_at, seq) WHERE deleted_at IS NULL;
CREATE INDEX submissions_in_order ON submissions (account_id, seq);

CREATE TABLE api_keys (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    key_hash TEXT NOT NULL UNIQUE,
    -- Its last characters, to tell keys apart.
    hint TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    last_used_at TIMESTAMP,
    revoked_at TIMESTAMP
);
CREATE INDEX api_keys_by_account ON api_keys (account_id, id);

-- Answers to requests that carried an Idempotency-Key, kept for a day.
CREATE TABLE idempotent_answers (
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    key TEXT NOT NULL,
    digest TEXT NOT NULL,
    status BIGINT NOT NULL,
    body TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotent_answers_by_age ON idempotent_answers (created_at);

-- What each user wants to hear of by mail, and up to where they have.
ALTER TABLE users ADD COLUMN mail_submissions BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE users ADD COLUMN mail_waiting BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE users ADD COLUMN mail_assignments BOOLEAN NOT NULL DEFAULT TRUE;
CREATE TABLE mail_marks (
    user_id BIGINT NOT NULL PRIMARY KEY REFERENCES users (id),
    submission_seq BIGINT NOT NULL,
    waiting_since TIMESTAMP NOT NULL,
    assigned_at TIMESTAMP NOT NULL,
    -- Until when one instance alone may write to this user.
    busy_until TIMESTAMP NOT NULL
);
ALTER TABLE tickets ADD COLUMN assigned_at TIMESTAMP;
ALTER TABLE tickets ADD COLUMN assigned_by TEXT;
-- Empty where a program did it.
ALTER TABLE tickets ADD COLUMN assigned_by_user BIGINT;
CREATE INDEX tickets_handed_over ON tickets (assignee_id, assigned_at) WHERE assigned_at IS NOT NULL AND deleted_at IS NULL;

-- Words of messages (conversation and position in one number) and of submissions.
CREATE VIRTUAL TABLE message_terms USING fts5 (
    terms,
    content = '',
    contentless_delete = 1,
    tokenize = 'ascii'
);
CREATE VIRTUAL TABLE submission_terms USING fts5 (
    terms,
    content = '',
    contentless_delete = 1,
    tokenize = 'ascii'
);
