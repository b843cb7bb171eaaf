DROP TABLE installation;
ALTER TABLE accounts DROP COLUMN file_bytes;
