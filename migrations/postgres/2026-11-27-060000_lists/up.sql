-- One index for each filter and order of the list; pairs of filters read one of them up to a bound.
CREATE INDEX tickets_assigned_created ON tickets (account_id, assignee_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tickets_assigned_closed ON tickets (account_id, assignee_id, closed_at, id) WHERE deleted_at IS NULL AND closed_at IS NOT NULL;
CREATE INDEX tickets_from_updated ON tickets (account_id, source_kind, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tickets_from_created ON tickets (account_id, source_kind, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tickets_from_closed ON tickets (account_id, source_kind, closed_at, id) WHERE deleted_at IS NULL AND closed_at IS NOT NULL;
