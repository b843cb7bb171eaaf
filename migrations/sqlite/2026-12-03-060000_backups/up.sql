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
