-- Messages that came by email from an address that is not the visitor's.
CREATE INDEX messages_from_others ON messages (account_id, from_address) WHERE from_address <> '';
