DROP INDEX tickets_in_order;
DROP TABLE ticket_vocabulary;
CREATE VIRTUAL TABLE ticket_vocabulary USING fts5vocab (ticket_words, instance);
