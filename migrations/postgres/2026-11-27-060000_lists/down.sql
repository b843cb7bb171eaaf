DROP INDEX tickets_from_closed;
DROP INDEX tickets_from_created;
DROP INDEX tickets_from_updated;
DROP INDEX tickets_assigned_closed;
DROP INDEX tickets_assigned_created;
