-- What is signed in: which browser, and from which network it was used last.
ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN network TEXT NOT NULL DEFAULT '';

-- Browsers in which a user has signed in before; of the token in the cookie, the
-- SHA-256. Guessing elsewhere does not slow them down.
CREATE TABLE devices (
    token_hash TEXT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id),
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (token_hash, user_id)
);
CREATE INDEX devices_by_user ON devices (user_id, created_at);

-- Who invited, and who created a key: both hold only while that person may still
-- do so. Those of before are the oldest active owner's.
ALTER TABLE invitations ADD COLUMN invited_by BIGINT;
UPDATE invitations SET invited_by = (
    SELECT MIN(id) FROM users WHERE users.account_id = invitations.account_id AND role = 'owner' AND disabled_at IS NULL
);
ALTER TABLE api_keys ADD COLUMN created_by BIGINT;
UPDATE api_keys SET created_by = (
    SELECT MIN(id) FROM users WHERE users.account_id = api_keys.account_id AND role = 'owner' AND disabled_at IS NULL
);

-- Through what a message came: ids that a visitor's bubble made are not the team's.
ALTER TABLE messages ADD COLUMN channel TEXT NOT NULL DEFAULT 'team';
UPDATE messages SET channel = 'bubble'
    WHERE sender = 'visitor' AND conversation_seq IN (SELECT seq FROM conversations WHERE widget_id IS NOT NULL);
DROP INDEX messages_by_client_id;
CREATE UNIQUE INDEX messages_by_client_id ON messages (conversation_seq, channel, client_id) WHERE client_id IS NOT NULL;
