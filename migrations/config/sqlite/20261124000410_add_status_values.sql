-- What is written for each segment status, as JSON; NULL: the platform's words.
ALTER TABLE destinations ADD COLUMN status_values TEXT;
