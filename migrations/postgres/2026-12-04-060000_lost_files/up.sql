-- Files of which the backup has no whole copy: they were damaged or missing.
ALTER TABLE backups ADD COLUMN lost_files BIGINT NOT NULL DEFAULT 0;
