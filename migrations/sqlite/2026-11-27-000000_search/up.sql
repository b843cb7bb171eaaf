-- The words of each ticket and of its source in parts, by ticket and part in one number. Made by
-- our own tokenizer; this one splits them at the spaces again. A word begins with the six letters
-- of its account, so the prefixes are those of two to five letters.
CREATE VIRTUAL TABLE ticket_words USING fts5 (
    words,
    content = '',
    contentless_delete = 1,
    tokenize = 'ascii',
    prefix = '8 9 10 11'
);
CREATE VIRTUAL TABLE ticket_vocabulary USING fts5vocab (ticket_words, instance);

-- The version of the tokenizer that all words in the search index come from.
CREATE TABLE search_state (version BIGINT NOT NULL);
INSERT INTO search_state (version)
SELECT CASE WHEN EXISTS (SELECT 1 FROM tickets) OR EXISTS (SELECT 1 FROM messages) OR EXISTS (SELECT 1 FROM submissions)
    THEN 0 ELSE 1 END;
