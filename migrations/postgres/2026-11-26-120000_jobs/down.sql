DROP TABLE jobs;
DROP TABLE event_readers;
CREATE TABLE mail_marks (
    user_id BIGINT NOT NULL PRIMARY KEY REFERENCES users (id),
    submission_seq BIGINT NOT NULL,
    waiting_since TIMESTAMP NOT NULL,
    assigned_at TIMESTAMP NOT NULL,
    busy_until TIMESTAMP NOT NULL
);
ALTER TABLE tickets ADD COLUMN assigned_at TIMESTAMP;
ALTER TABLE tickets ADD COLUMN assigned_by TEXT;
ALTER TABLE tickets ADD COLUMN assigned_by_user BIGINT;
CREATE INDEX tickets_handed_over ON tickets (assignee_id, assigned_at) WHERE assigned_at IS NOT NULL AND deleted_at IS NULL;
