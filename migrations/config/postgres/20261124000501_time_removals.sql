-- When the destination was removed, so that it is forgotten in time. Microseconds
-- since 1970; NULL: before this was kept, and never forgotten.
ALTER TABLE removed_destinations ADD COLUMN remove_time BIGINT;
