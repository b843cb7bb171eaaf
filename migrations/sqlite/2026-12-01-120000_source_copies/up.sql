-- What the source of a ticket said when the ticket was created, as JSON.
CREATE TABLE source_copies (
    ticket_id BIGINT NOT NULL PRIMARY KEY REFERENCES tickets (id),
    taken_at TIMESTAMP NOT NULL,
    data TEXT NOT NULL
);
-- Whether the user kept a copy with the last ticket that they created.
ALTER TABLE users ADD COLUMN keeps_copies BOOLEAN NOT NULL DEFAULT FALSE;
