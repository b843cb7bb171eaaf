-- Here events keep any number that they are given. On SQLite they could not.
SELECT 1;
