ALTER TABLE forms DROP COLUMN ask_subject;
ALTER TABLE forms DROP COLUMN ask_email;
ALTER TABLE forms DROP COLUMN ask_name;
ALTER TABLE users DROP COLUMN keys_off;
DROP TABLE submission_marks;
DROP INDEX submissions_done;
DROP INDEX submissions_to_do;
ALTER TABLE submissions DROP COLUMN done_at;
