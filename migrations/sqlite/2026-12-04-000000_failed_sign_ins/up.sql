-- Counts wrong passwords, by user, network and browser, for all instances.
CREATE TABLE failed_sign_ins (
    -- A hash of whom it counts for.
    key TEXT NOT NULL PRIMARY KEY,
    count BIGINT NOT NULL,
    last_at TIMESTAMP NOT NULL
);

CREATE INDEX failed_sign_ins_last_at ON failed_sign_ins (last_at);
