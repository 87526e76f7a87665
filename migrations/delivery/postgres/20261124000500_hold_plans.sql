-- Whether the config-service does not know the destination any more, though
-- nobody deleted it: nothing is taken or sent for it until it does.
ALTER TABLE plans ADD COLUMN held BOOLEAN NOT NULL DEFAULT FALSE;
