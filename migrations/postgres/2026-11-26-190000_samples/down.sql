ALTER TABLE accounts DROP COLUMN steps_hidden;
DROP TABLE samples;
