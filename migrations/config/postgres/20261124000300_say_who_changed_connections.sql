-- Who created a connection and who changed it last, as the callers said; empty: not said.
ALTER TABLE connections ADD COLUMN created_by TEXT NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN updated_by TEXT NOT NULL DEFAULT '';
