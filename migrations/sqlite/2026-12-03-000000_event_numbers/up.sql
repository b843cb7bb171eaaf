-- Events that come from Postgres keep the numbers that they got there.
DROP INDEX events_by_seq;
DROP INDEX events_by_account;
ALTER TABLE events DROP COLUMN seq;
ALTER TABLE events ADD COLUMN given_seq BIGINT;
ALTER TABLE events ADD COLUMN seq BIGINT GENERATED ALWAYS AS (COALESCE(given_seq, id)) VIRTUAL;
CREATE UNIQUE INDEX events_by_seq ON events (seq);
CREATE INDEX events_by_account ON events (account_id, seq);
