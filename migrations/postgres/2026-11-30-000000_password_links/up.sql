-- One-time links with which a user sets a new password; of the token in the link, the SHA-256.
-- A link that a manager created holds only while that manager may manage the user.
CREATE TABLE password_links (
    token_hash TEXT NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id),
    created_by BIGINT REFERENCES users (id),
    expires_at TIMESTAMP NOT NULL
);
CREATE INDEX password_links_by_user ON password_links (user_id);
