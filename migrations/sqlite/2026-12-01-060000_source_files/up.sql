-- Files that visitors and agents send with messages and forms. A file belongs to nothing until
-- its message or its submission is stored.
CREATE TABLE source_files (
    id TEXT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    state TEXT NOT NULL,
    filename TEXT NOT NULL,
    kind TEXT NOT NULL,
    size BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    thumbnail TEXT,
    by_visitor BOOLEAN NOT NULL,
    conversation_seq BIGINT REFERENCES conversations (seq),
    message_position BIGINT,
    submission_seq BIGINT REFERENCES submissions (seq),
    place BIGINT NOT NULL DEFAULT 0,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX source_files_by_message ON source_files (conversation_seq, message_position) WHERE conversation_seq IS NOT NULL;
CREATE INDEX source_files_by_submission ON source_files (submission_seq) WHERE submission_seq IS NOT NULL;
CREATE INDEX source_files_unfinished ON source_files (created_at) WHERE state <> 'ready';
CREATE INDEX source_files_by_account ON source_files (account_id);

-- What the files that visitors have sent take, in bytes; they have a quota of their own.
ALTER TABLE accounts ADD COLUMN visitor_file_bytes BIGINT NOT NULL DEFAULT 0;
