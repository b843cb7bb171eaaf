-- The words of each ticket and of its source in parts, by ticket and part in one number. Made by
-- our own tokenizer, never by this engine's. A word begins with its account and a number of the
-- block of tickets that it is in, because this index has no order.
CREATE TABLE ticket_words (
    row_id BIGINT NOT NULL PRIMARY KEY,
    words TSVECTOR NOT NULL
);
CREATE INDEX ticket_words_by_word ON ticket_words USING gin (words) WITH (fastupdate = off);

-- The version of the tokenizer that all words in the search index come from.
CREATE TABLE search_state (version BIGINT NOT NULL);
INSERT INTO search_state (version)
SELECT CASE WHEN EXISTS (SELECT 1 FROM tickets) OR EXISTS (SELECT 1 FROM messages) OR EXISTS (SELECT 1 FROM submissions)
    THEN 0 ELSE 1 END;
