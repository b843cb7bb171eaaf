DROP INDEX events_by_seq;
DROP INDEX events_by_account;
ALTER TABLE events DROP COLUMN seq;
ALTER TABLE events DROP COLUMN given_seq;
ALTER TABLE events ADD COLUMN seq BIGINT GENERATED ALWAYS AS (id) VIRTUAL;
CREATE UNIQUE INDEX events_by_seq ON events (seq);
CREATE INDEX events_by_account ON events (account_id, seq);
