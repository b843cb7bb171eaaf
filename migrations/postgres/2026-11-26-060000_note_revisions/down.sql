DROP TABLE note_revisions;
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
