-- What can be edited after activation becomes one JSON text, so that what is
-- edited can stand beside what is live.
ALTER TABLE destinations ADD COLUMN definition TEXT NOT NULL DEFAULT '';
-- The definition that delivery works by; NULL for a draft.
ALTER TABLE destinations ADD COLUMN live TEXT;
-- The plan revision with which it went live; 0 for a draft.
ALTER TABLE destinations ADD COLUMN live_revision BIGINT NOT NULL DEFAULT 0;
-- As the callers called themselves.
ALTER TABLE destinations ADD COLUMN created_by TEXT NOT NULL DEFAULT '';
ALTER TABLE destinations ADD COLUMN updated_by TEXT NOT NULL DEFAULT '';

UPDATE destinations
SET definition = json_build_object(
        'field_mappings', field_mappings::json,
        'segments', segments::json,
        'deleted_profile_policy', deleted_profile_policy,
        'max_delay_ms', max_delay_ms
    )::text;

UPDATE destinations
SET live = definition, live_revision = revision
WHERE desired_state <> 'draft';

ALTER TABLE destinations DROP COLUMN field_mappings;
ALTER TABLE destinations DROP COLUMN segments;
ALTER TABLE destinations DROP COLUMN deleted_profile_policy;
ALTER TABLE destinations DROP COLUMN max_delay_ms;

-- Every definition that was or is live.
CREATE TABLE destination_revisions (
    -- The destination's.
    uid TEXT NOT NULL,
    -- The plan revision with which it went live.
    revision BIGINT NOT NULL,
    definition TEXT NOT NULL,
    -- Microseconds since 1970.
    create_time BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    CONSTRAINT destination_revisions_pkey PRIMARY KEY (uid, revision)
);

INSERT INTO destination_revisions (uid, revision, definition, create_time, created_by)
SELECT uid, live_revision, live, update_time, ''
FROM destinations
WHERE live IS NOT NULL;
