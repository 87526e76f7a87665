-- What delivery last reported, by its place in the order of reports: an older
-- one, from another replica or told late, does not overwrite a newer one.

-- Revision that the kept report was made by; 0 before the first.
ALTER TABLE destinations ADD COLUMN status_revision BIGINT NOT NULL DEFAULT 0;

-- When it was made. Microseconds since 1970; 0 before the first.
ALTER TABLE destinations ADD COLUMN status_time BIGINT NOT NULL DEFAULT 0;
