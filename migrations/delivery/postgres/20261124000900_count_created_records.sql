-- Salesforce records that the updates of an hour created.
ALTER TABLE run_profiles ADD COLUMN created BIGINT NOT NULL DEFAULT 0;

-- Salesforce records by the day of their creation, for the limit of a day. What
-- may have been created and was not answered is among them.
CREATE TABLE created_records (
    -- uid of the destination.
    uid TEXT NOT NULL,
    -- Start of the day, UTC. Microseconds since 1970.
    day BIGINT NOT NULL,
    records BIGINT NOT NULL,
    CONSTRAINT created_records_pkey PRIMARY KEY (uid, day)
);
