-- The same tables, in the same order, as migrations/postgres. Times are UTC.

CREATE TABLE accounts (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    last_ticket_number BIGINT NOT NULL,
    conversation_url TEXT NOT NULL,
    submission_url TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE users (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    -- Deferred, because an account bears the id of the user who opens it.
    account_id BIGINT NOT NULL REFERENCES accounts (id) DEFERRABLE INITIALLY DEFERRED,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    disabled_at TIMESTAMP
);
CREATE INDEX users_by_account ON users (account_id, id);

CREATE TABLE sessions (
    token_hash TEXT NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id),
    created_at TIMESTAMP NOT NULL,
    last_seen_at TIMESTAMP NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE setup_links (
    token_hash TEXT NOT NULL PRIMARY KEY,
    expires_at TIMESTAMP NOT NULL
);

CREATE TABLE invitations (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    token_hash TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    expires_at TIMESTAMP NOT NULL
);
CREATE INDEX invitations_by_account ON invitations (account_id, id);

CREATE TABLE forms (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    allowed_origins TEXT NOT NULL,
    next_url TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX forms_by_account ON forms (account_id, id);

CREATE TABLE submissions (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    id TEXT NOT NULL,
    form_id BIGINT NOT NULL REFERENCES forms (id),
    fields TEXT NOT NULL,
    page_url TEXT,
    country TEXT,
    visitor_name TEXT NOT NULL,
    visitor_email TEXT NOT NULL,
    spam BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL,
    deleted_at TIMESTAMP,
    UNIQUE (account_id, id)
);
CREATE INDEX submissions_listed ON submissions (account_id, spam, created_at, seq) WHERE deleted_at IS NULL;
CREATE INDEX submissions_by_form ON submissions (form_id, spam, created_at, seq) WHERE deleted_at IS NULL;
CREATE INDEX submissions_deleted ON submissions (account_id, deleted_at, seq) WHERE deleted_at IS NOT NULL;

CREATE TABLE conversations (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    id TEXT NOT NULL,
    status TEXT NOT NULL,
    visitor_name TEXT NOT NULL,
    visitor_email TEXT NOT NULL,
    page_url TEXT,
    country TEXT,
    message_count BIGINT NOT NULL,
    last_message TEXT NOT NULL,
    last_message_at TIMESTAMP NOT NULL,
    created_at TIMESTAMP NOT NULL,
    deleted_at TIMESTAMP,
    UNIQUE (account_id, id)
);
CREATE INDEX conversations_listed ON conversations (account_id, status, last_message_at, seq) WHERE deleted_at IS NULL;
CREATE INDEX conversations_deleted ON conversations (account_id, deleted_at, seq) WHERE deleted_at IS NOT NULL;

CREATE TABLE messages (
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    conversation_seq BIGINT NOT NULL REFERENCES conversations (seq),
    position BIGINT NOT NULL,
    sender TEXT NOT NULL,
    author_name TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (conversation_seq, position)
);

CREATE TABLE tickets (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    number BIGINT NOT NULL,
    title TEXT NOT NULL,
    status TEXT NOT NULL,
    notes TEXT NOT NULL,
    notes_version BIGINT NOT NULL,
    requester_name TEXT NOT NULL,
    requester_email TEXT NOT NULL,
    -- No foreign key: the source may live in another system, or be gone.
    source_kind TEXT,
    source_id TEXT,
    source_was_here BOOLEAN NOT NULL,
    assignee_id BIGINT REFERENCES users (id),
    request_id TEXT NOT NULL,
    request_digest TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    closed_at TIMESTAMP,
    first_closed_at TIMESTAMP,
    reopen_count BIGINT NOT NULL,
    deleted_at TIMESTAMP,
    UNIQUE (account_id, number),
    UNIQUE (account_id, request_id)
);
CREATE INDEX tickets_updated ON tickets (account_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tickets_created ON tickets (account_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tickets_open_updated ON tickets (account_id, updated_at, id) WHERE deleted_at IS NULL AND status <> 'closed';
CREATE INDEX tickets_open_created ON tickets (account_id, created_at, id) WHERE deleted_at IS NULL AND status <> 'closed';
CREATE INDEX tickets_status_updated ON tickets (account_id, status, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tickets_status_created ON tickets (account_id, status, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tickets_closed ON tickets (account_id, closed_at, id) WHERE deleted_at IS NULL AND closed_at IS NOT NULL;
CREATE INDEX tickets_assigned ON tickets (account_id, assignee_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tickets_by_source ON tickets (account_id, source_kind, source_id, number) WHERE source_id IS NOT NULL;
CREATE INDEX tickets_deleted ON tickets (account_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE TABLE ticket_counts (
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    status TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (account_id, status)
);

CREATE TABLE tags (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    UNIQUE (account_id, name)
);

CREATE TABLE ticket_tags (
    ticket_id BIGINT NOT NULL REFERENCES tickets (id),
    tag_id BIGINT NOT NULL REFERENCES tags (id),
    PRIMARY KEY (ticket_id, tag_id)
);
CREATE INDEX ticket_tags_by_tag ON ticket_tags (tag_id, ticket_id);

CREATE TABLE ticket_events (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    ticket_id BIGINT NOT NULL REFERENCES tickets (id),
    actor_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    old_value TEXT NOT NULL,
    new_value TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX ticket_events_by_ticket ON ticket_events (ticket_id, id);

CREATE TABLE notes_revisions (
    ticket_id BIGINT NOT NULL REFERENCES tickets (id),
    version BIGINT NOT NULL,
    author_id BIGINT NOT NULL REFERENCES users (id),
    author_name TEXT NOT NULL,
    body TEXT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    saved_at TIMESTAMP NOT NULL,
    PRIMARY KEY (ticket_id, version)
);

CREATE TABLE attachments (
    id TEXT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    ticket_id BIGINT NOT NULL REFERENCES tickets (id),
    state TEXT NOT NULL,
    filename TEXT NOT NULL,
    kind TEXT NOT NULL,
    size BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    -- Milliseconds since 1970: the name of the object, unique in its account.
    stamp BIGINT NOT NULL,
    thumbnail TEXT,
    uploaded_by TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    deleted_at TIMESTAMP,
    UNIQUE (account_id, stamp)
);
CREATE INDEX attachments_by_ticket ON attachments (ticket_id, stamp);
CREATE INDEX attachments_deleted ON attachments (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX attachments_pending ON attachments (created_at) WHERE state = 'pending';

-- The words of each ticket, made by our own tokenizer, which leaves only
-- letters and digits: this tokenizer just splits them at the spaces again.
CREATE VIRTUAL TABLE ticket_terms USING fts5 (
    terms,
    content = '',
    contentless_delete = 1,
    tokenize = 'ascii'
);
