-- People outside the team, by email address.
CREATE TABLE contacts (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    -- As it was first written, and in lower case.
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    name TEXT NOT NULL,
    note TEXT NOT NULL,
    -- The contact that this one was merged into.
    merged_into BIGINT REFERENCES contacts (id),
    -- Whether its words are in contact_words.
    is_indexed BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL,
    UNIQUE (account_id, email_key)
);
CREATE INDEX contacts_without_words ON contacts (id) WHERE NOT is_indexed;
-- The words of name and address.
CREATE TABLE contact_words (
    account_id BIGINT NOT NULL,
    word TEXT NOT NULL,
    contact_id BIGINT NOT NULL REFERENCES contacts (id),
    PRIMARY KEY (account_id, word, contact_id)
);
CREATE INDEX contact_words_by_contact ON contact_words (contact_id);
CREATE INDEX contacts_merged ON contacts (merged_into) WHERE merged_into IS NOT NULL;
ALTER TABLE tickets ADD COLUMN contact_id BIGINT;
ALTER TABLE conversations ADD COLUMN contact_id BIGINT;
ALTER TABLE submissions ADD COLUMN contact_id BIGINT;
INSERT INTO contacts (account_id, email, email_key, name, note, is_indexed, created_at)
SELECT account_id, MIN(email), lower(email), MAX(name), '', FALSE, MIN(created_at) FROM (
    SELECT account_id, requester_email AS email, requester_name AS name, created_at FROM tickets
    UNION ALL SELECT account_id, visitor_email, visitor_name, created_at FROM conversations
    UNION ALL SELECT account_id, visitor_email, visitor_name, created_at FROM submissions
) AS people WHERE email LIKE '%@%' GROUP BY account_id, lower(email);
UPDATE tickets SET contact_id = (
    SELECT id FROM contacts WHERE contacts.account_id = tickets.account_id AND email_key = lower(requester_email)
) WHERE requester_email <> '';
UPDATE conversations SET contact_id = (
    SELECT id FROM contacts WHERE contacts.account_id = conversations.account_id AND email_key = lower(visitor_email)
) WHERE visitor_email <> '';
UPDATE submissions SET contact_id = (
    SELECT id FROM contacts WHERE contacts.account_id = submissions.account_id AND email_key = lower(visitor_email)
) WHERE visitor_email <> '';
CREATE INDEX tickets_by_contact ON tickets (contact_id, created_at, id) WHERE contact_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX conversations_by_contact ON conversations (contact_id, created_at, seq) WHERE contact_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX submissions_by_contact ON submissions (contact_id, created_at, seq) WHERE contact_id IS NOT NULL AND deleted_at IS NULL;
