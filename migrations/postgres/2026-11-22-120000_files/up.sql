-- What an account's files take, in bytes: those in the trash and those being
-- stored included.
ALTER TABLE accounts ADD COLUMN file_bytes BIGINT NOT NULL DEFAULT 0;
UPDATE accounts SET file_bytes = (
    SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM attachments WHERE attachments.account_id = accounts.id
);

-- Which file storage belongs to this database: one row, the name of a marker there.
CREATE TABLE installation (
    place BIGINT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL
);
