-- The backups of this installation, for monitoring. While one runs, no file is deleted.
CREATE TABLE backups (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    -- A folder or bucket.
    place TEXT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    -- Until when a backup that has not ended counts as running.
    runs_until TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    -- Why it failed; empty if it did not.
    error TEXT NOT NULL
);

-- Events that come from Postgres keep the numbers that they got there.
DROP INDEX events_by_seq;
DROP INDEX events_by_account;
ALTER TABLE events DROP COLUMN seq;
ALTER TABLE events ADD COLUMN given_seq BIGINT;
ALTER TABLE events ADD COLUMN seq BIGINT GENERATED ALWAYS AS (COALESCE(given_seq, id)) VIRTUAL;
CREATE UNIQUE INDEX events_by_seq ON events (seq);
CREATE INDEX events_by_account ON events (account_id, seq);
