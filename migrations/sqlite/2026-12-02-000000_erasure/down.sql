DROP INDEX messages_from_others;
