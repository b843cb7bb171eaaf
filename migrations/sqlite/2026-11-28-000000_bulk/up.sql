-- One action on many tickets.
CREATE TABLE bulk_actions (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    user_id BIGINT NOT NULL REFERENCES users (id),
    action TEXT NOT NULL,
    value TEXT NOT NULL,
    -- Which tickets, as JSON.
    scope TEXT NOT NULL,
    -- The bulk action that this one undoes.
    undoes BIGINT REFERENCES bulk_actions (id),
    -- How many tickets there are, and what became of them.
    total BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    unchanged BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX bulk_actions_undone ON bulk_actions (undoes) WHERE undoes IS NOT NULL;
CREATE INDEX bulk_actions_by_age ON bulk_actions (created_at);
CREATE TABLE bulk_results (
    bulk_id BIGINT NOT NULL REFERENCES bulk_actions (id),
    ticket_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    -- Why it was not changed.
    reason TEXT NOT NULL,
    -- What an undo undoes.
    event_id BIGINT,
    PRIMARY KEY (bulk_id, ticket_id)
);
CREATE INDEX bulk_results_by_outcome ON bulk_results (bulk_id, outcome, ticket_id);

-- Saved lists.
CREATE TABLE views (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    user_id BIGINT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    is_shared BOOLEAN NOT NULL,
    UNIQUE (user_id, name)
);
CREATE INDEX views_by_account ON views (account_id);
