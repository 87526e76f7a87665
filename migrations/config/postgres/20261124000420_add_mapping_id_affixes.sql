-- What stands before and behind suggested Mapping IDs; empty: nothing.
ALTER TABLE destinations ADD COLUMN mapping_id_prefix TEXT NOT NULL DEFAULT '';
ALTER TABLE destinations ADD COLUMN mapping_id_suffix TEXT NOT NULL DEFAULT '';
