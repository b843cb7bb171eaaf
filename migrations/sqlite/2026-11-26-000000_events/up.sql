-- Every change of state, written in the transaction of the change. `data` holds ids,
-- versions and words of fixed sets; personal text stands in `text` alone.
CREATE TABLE events (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    at TIMESTAMP NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id BIGINT,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    ticket_id BIGINT REFERENCES tickets (id),
    data TEXT NOT NULL,
    text TEXT NOT NULL,
    for_audit BOOLEAN NOT NULL
);

-- The history of tickets. Old rows name their actor, but not who or what it was; the
-- names of files stay, their ids are not known.
INSERT INTO events (account_id, at, actor_kind, kind, subject, ticket_id, data, text, for_audit)
SELECT old.account_id, old.created_at,
    CASE WHEN kind = 'returned' THEN 'visitor' ELSE 'user' END,
    CASE
        WHEN kind = 'created' THEN 'ticket.created'
        WHEN kind = 'title' THEN 'ticket.title_changed'
        WHEN kind = 'status' THEN 'ticket.status_changed'
        WHEN kind = 'assignee' THEN 'ticket.assigned'
        WHEN kind = 'tag' AND old_value = '' THEN 'ticket.tag_added'
        WHEN kind = 'tag' THEN 'ticket.tag_removed'
        WHEN kind = 'notes' THEN 'ticket.notes_changed'
        WHEN kind = 'file' AND old_value = '' THEN 'attachment.added'
        WHEN kind = 'file' AND new_value = '' THEN 'attachment.removed'
        WHEN kind = 'file' THEN 'attachment.renamed'
        WHEN kind = 'deleted' THEN 'ticket.deleted'
        WHEN kind = 'restored' THEN 'ticket.restored'
        WHEN kind = 'returned' THEN 'ticket.visitor_returned'
    END,
    CAST(tickets.number AS TEXT), old.ticket_id,
    CASE
        WHEN kind = 'status' THEN json_object('from', CASE old_value WHEN 'New' THEN 'new' WHEN 'In progress' THEN 'in_progress' ELSE 'closed' END,
            'to', CASE new_value WHEN 'New' THEN 'new' WHEN 'In progress' THEN 'in_progress' ELSE 'closed' END)
        WHEN kind = 'notes' THEN json_object('version', CAST(new_value AS BIGINT))
        WHEN kind = 'file' THEN json_object('ticket', tickets.number)
        ELSE '{}'
    END,
    CASE
        WHEN kind IN ('status', 'notes') THEN json_object('actor', old.actor_name)
        ELSE json_object('actor', old.actor_name, 'old', old_value, 'new', new_value)
    END,
    FALSE
FROM ticket_events AS old JOIN tickets ON tickets.id = old.ticket_id
ORDER BY old.id;
DROP TABLE ticket_events;

-- People, keys and settings: few rows among many.
CREATE INDEX events_for_audit ON events (account_id, at, id) WHERE for_audit;
CREATE INDEX events_by_ticket ON events (ticket_id, id);
-- One writer at a time: ids are in the order of the commits.
ALTER TABLE events ADD COLUMN seq BIGINT GENERATED ALWAYS AS (id) VIRTUAL;
CREATE UNIQUE INDEX events_by_seq ON events (seq);
CREATE INDEX events_by_account ON events (account_id, seq);
