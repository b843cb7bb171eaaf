-- Sample data, so that all of it can be removed: the ids of its rows contain the run.
CREATE TABLE samples (
    run TEXT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    form_id BIGINT NOT NULL REFERENCES forms (id),
    widget_id BIGINT NOT NULL REFERENCES widgets (id),
    -- How many numbers its tickets have used.
    tickets BIGINT NOT NULL
);
CREATE INDEX samples_by_account ON samples (account_id);
CREATE INDEX samples_by_form ON samples (form_id);
CREATE INDEX samples_by_widget ON samples (widget_id);

-- Whether the list of first steps was dismissed.
ALTER TABLE accounts ADD COLUMN steps_hidden BOOLEAN NOT NULL DEFAULT FALSE;
