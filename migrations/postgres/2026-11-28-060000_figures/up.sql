-- Numbers for reports, kept while things happen: how many tickets of a dimension have a
-- measure in a week. Durations are counted in buckets.
CREATE TABLE figures (
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    -- Another time zone has other weeks, and is another generation.
    generation BIGINT NOT NULL,
    dimension TEXT NOT NULL,
    measure TEXT NOT NULL,
    key BIGINT NOT NULL,
    -- The Monday, as days since 1970; 0 for numbers of now.
    week BIGINT NOT NULL,
    bucket BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (account_id, generation, dimension, measure, key, week, bucket)
);
-- The time zone of the numbers that pages show. Empty until they are built.
ALTER TABLE accounts ADD COLUMN figures_zone TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN figures_generation BIGINT NOT NULL DEFAULT 0;
-- The time zone of the next generation, while it is built, and how far that has come.
ALTER TABLE accounts ADD COLUMN figures_next TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN figures_place BIGINT NOT NULL DEFAULT 0;
UPDATE accounts SET figures_next = time_zone;
-- The latest reopening, and how long the ticket was open up to its latest close.
ALTER TABLE tickets ADD COLUMN reopened_at TIMESTAMP;
ALTER TABLE tickets ADD COLUMN open_seconds BIGINT NOT NULL DEFAULT 0;
UPDATE tickets SET open_seconds = CAST(FLOOR(EXTRACT(EPOCH FROM closed_at - created_at)) AS BIGINT) WHERE closed_at > created_at;
UPDATE tickets SET reopened_at = (
    SELECT MAX(at) FROM events
    WHERE ticket_id = tickets.id AND kind = 'ticket.status_changed' AND data LIKE '%"from":"closed"%'
) WHERE reopen_count > 0;
ALTER TABLE tags ADD COLUMN last_at TIMESTAMP;
-- How long a visitor waited for the first reply, and when it came.
ALTER TABLE conversations ADD COLUMN first_reply_seconds BIGINT;
ALTER TABLE conversations ADD COLUMN first_reply_at TIMESTAMP;
UPDATE conversations SET first_reply_at = (
    SELECT MIN(created_at) FROM messages WHERE conversation_seq = seq AND sender = 'agent'
) WHERE answered_position > 0 AND EXISTS (
    SELECT 1 FROM messages WHERE conversation_seq = seq AND position = 1 AND sender = 'visitor'
);
UPDATE conversations SET first_reply_seconds = GREATEST(0, CAST(FLOOR(EXTRACT(EPOCH FROM first_reply_at - (
    SELECT created_at FROM messages WHERE conversation_seq = seq AND position = 1
))) AS BIGINT)) WHERE first_reply_at IS NOT NULL;
