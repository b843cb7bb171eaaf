DROP INDEX tickets_in_order;
