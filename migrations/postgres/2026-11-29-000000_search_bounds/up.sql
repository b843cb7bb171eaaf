-- An account's tickets in the order of a search, from a place on.
CREATE INDEX tickets_in_order ON tickets (account_id, id);
