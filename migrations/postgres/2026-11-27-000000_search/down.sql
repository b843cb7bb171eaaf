DROP TABLE search_state;
DROP TABLE ticket_words;
