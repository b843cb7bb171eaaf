-- Every save of the notes is kept. A revision is the first `kept_start` bytes of the one
-- before it, then `body`, then the last `kept_end` bytes of the one before it.
CREATE TABLE note_revisions (
    ticket_id BIGINT NOT NULL REFERENCES tickets (id),
    version BIGINT NOT NULL,
    -- Empty where a program saved.
    author_id BIGINT REFERENCES users (id),
    author_name TEXT NOT NULL,
    kept_start BIGINT NOT NULL,
    kept_end BIGINT NOT NULL,
    body TEXT NOT NULL,
    saved_at TIMESTAMP NOT NULL,
    PRIMARY KEY (ticket_id, version)
);
INSERT INTO note_revisions
SELECT ticket_id, version, author_id, author_name, 0, 0, body, saved_at FROM notes_revisions;
DROP TABLE notes_revisions;
