-- Submissions that the team has dealt with.
ALTER TABLE submissions ADD COLUMN done_at TIMESTAMP;
UPDATE submissions SET done_at = created_at WHERE EXISTS (
    SELECT 1 FROM tickets
    WHERE tickets.account_id = submissions.account_id AND tickets.source_kind = 'form' AND tickets.source_id = submissions.id
);
CREATE INDEX submissions_to_do ON submissions (account_id, created_at, seq)
WHERE deleted_at IS NULL AND done_at IS NULL AND NOT spam;
CREATE INDEX submissions_done ON submissions (account_id, created_at, seq)
WHERE deleted_at IS NULL AND done_at IS NOT NULL AND NOT spam;

-- Who has read which submission.
CREATE TABLE submission_marks (
    user_id BIGINT NOT NULL REFERENCES users (id),
    submission_seq BIGINT NOT NULL REFERENCES submissions (seq),
    PRIMARY KEY (user_id, submission_seq)
);
CREATE INDEX submission_marks_by_submission ON submission_marks (submission_seq);

-- Users who want no keyboard shortcuts.
ALTER TABLE users ADD COLUMN keys_off BOOLEAN NOT NULL DEFAULT FALSE;

-- What the hosted page of a form asks for, beside the message.
ALTER TABLE forms ADD COLUMN ask_name BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE forms ADD COLUMN ask_email BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE forms ADD COLUMN ask_subject BOOLEAN NOT NULL DEFAULT TRUE;
