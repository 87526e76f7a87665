-- What the org's description said of the fields that a destination writes, as
-- JSON; NULL before activation, and for what was activated by a version that
-- kept key_case_sensitive only.
ALTER TABLE destinations ADD COLUMN org_shape TEXT;
