-- Work beside requests. One worker at a time does a job: while it runs, `due_at` is when
-- its lease ends.
CREATE TABLE jobs (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    -- Empty for jobs of the whole installation.
    account_id BIGINT REFERENCES accounts (id),
    kind TEXT NOT NULL,
    -- What the job is about: the same thing is never done twice.
    key TEXT NOT NULL,
    -- Jobs of one group that are due together are done as one batch, named after the first.
    group_key TEXT NOT NULL,
    batch_id BIGINT,
    -- Ids and words of fixed sets, as JSON.
    data TEXT NOT NULL,
    state TEXT NOT NULL,
    due_at TIMESTAMP NOT NULL,
    tries BIGINT NOT NULL,
    -- Where to go on, and how far it has come.
    place TEXT NOT NULL,
    done BIGINT NOT NULL,
    total BIGINT NOT NULL,
    error TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    UNIQUE (kind, key)
);
CREATE INDEX jobs_due ON jobs (due_at, id) WHERE ended_at IS NULL;
CREATE INDEX jobs_ended ON jobs (state, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX jobs_by_account ON jobs (account_id, id);
CREATE INDEX jobs_by_group ON jobs (group_key, id) WHERE ended_at IS NULL;
CREATE INDEX jobs_by_batch ON jobs (batch_id) WHERE batch_id IS NOT NULL;

-- How far each reader of events has read.
CREATE TABLE event_readers (
    name TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL
);

-- Open mail becomes jobs.
INSERT INTO event_readers SELECT 'mail', COALESCE(MAX(seq), 0) FROM events WHERE EXISTS (SELECT 1 FROM mail_marks);
INSERT INTO jobs (account_id, kind, key, group_key, data, state, due_at, tries, place, done, total, error, created_at)
SELECT users.account_id, 'mail', 'submission:' || submissions.id || ':' || users.id, 'submission:' || users.id,
    json_object('user', users.id, 'topic', 'submission', 'subject', submissions.id), 'waiting', submissions.created_at,
    0, '', 0, 0, '', submissions.created_at
FROM mail_marks
JOIN users ON users.id = mail_marks.user_id AND users.mail_submissions AND users.disabled_at IS NULL
JOIN submissions ON submissions.account_id = users.account_id AND submissions.seq > mail_marks.submission_seq
WHERE submissions.deleted_at IS NULL AND NOT submissions.spam;
INSERT INTO jobs (account_id, kind, key, group_key, data, state, due_at, tries, place, done, total, error, created_at)
SELECT users.account_id, 'mail', 'waiting:' || conversations.id || ':' || users.id, 'waiting:' || users.id,
    json_object('user', users.id, 'topic', 'waiting', 'subject', conversations.id), 'waiting', conversations.waiting_since,
    0, '', 0, 0, '', conversations.waiting_since
FROM mail_marks
JOIN users ON users.id = mail_marks.user_id AND users.mail_waiting AND users.disabled_at IS NULL
JOIN conversations ON conversations.account_id = users.account_id AND conversations.waiting_since > mail_marks.waiting_since
WHERE conversations.deleted_at IS NULL;
INSERT INTO jobs (account_id, kind, key, group_key, data, state, due_at, tries, place, done, total, error, created_at)
SELECT users.account_id, 'mail', 'assigned:' || tickets.number || ':' || users.id, 'assigned:' || users.id,
    json_object('user', users.id, 'topic', 'assigned', 'subject', CAST(tickets.number AS TEXT)),
    'waiting', tickets.assigned_at, 0, '', 0, 0, '', tickets.assigned_at
FROM mail_marks
JOIN users ON users.id = mail_marks.user_id AND users.mail_assignments AND users.disabled_at IS NULL
JOIN tickets ON tickets.assignee_id = users.id AND tickets.assigned_at > mail_marks.assigned_at
WHERE tickets.deleted_at IS NULL AND (tickets.assigned_by_user IS NULL OR tickets.assigned_by_user <> users.id);
DROP TABLE mail_marks;
DROP INDEX tickets_handed_over;
ALTER TABLE tickets DROP COLUMN assigned_at;
ALTER TABLE tickets DROP COLUMN assigned_by;
ALTER TABLE tickets DROP COLUMN assigned_by_user;
