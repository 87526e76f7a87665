-- SQLite tells no other process of changes; their watchers poll. Nothing to do.
SELECT 1;
