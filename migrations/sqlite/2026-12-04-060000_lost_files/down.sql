ALTER TABLE backups DROP COLUMN lost_files;
