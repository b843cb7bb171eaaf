ALTER TABLE users DROP COLUMN keeps_copies;
DROP TABLE source_copies;
