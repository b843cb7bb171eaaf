-- The long words of the search index, so that those with a long beginning are found without reading
-- all places of each. They begin with the six letters of their account, like all words there.
DROP TABLE ticket_vocabulary;
CREATE TABLE ticket_vocabulary (word TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;
CREATE VIRTUAL TABLE temp.indexed_words USING fts5vocab (main, ticket_words, row);
INSERT INTO ticket_vocabulary (word) SELECT term FROM temp.indexed_words WHERE length(term) > 11;
DROP TABLE temp.indexed_words;

-- An account's tickets in the order of a search, from a place on.
CREATE INDEX tickets_in_order ON tickets (account_id, id);
