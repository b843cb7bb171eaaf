ALTER TABLE accounts DROP COLUMN visitor_file_bytes;
DROP TABLE source_files;
