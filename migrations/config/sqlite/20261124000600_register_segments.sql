-- The platform's segments, as the control plane registered them.
CREATE TABLE registered_segments (
    -- workspaces/{workspace}
    workspace TEXT NOT NULL,
    -- The platform's segment id.
    segment TEXT NOT NULL,
    namespace TEXT NOT NULL,
    display_name TEXT NOT NULL,
    description TEXT NOT NULL,
    -- NULL: not told.
    member_count BIGINT,
    -- NULL: not told.
    consented_member_count BIGINT,
    -- When the members were counted; NULL without a count. Microseconds since 1970.
    count_time BIGINT,
    -- JSON list of the paths that the segment's rule uses.
    fields TEXT NOT NULL,
    -- Microseconds since 1970.
    create_time BIGINT NOT NULL,
    update_time BIGINT NOT NULL,
    CONSTRAINT registered_segments_pkey PRIMARY KEY (workspace, segment)
);

-- What workspaces do with segments. A workspace without a row has the defaults.
CREATE TABLE segment_settings (
    -- workspaces/{workspace}
    workspace TEXT NOT NULL,
    -- accept_until_registered, accept or refuse
    unknown_segments TEXT NOT NULL,
    -- JSON object: lists of allowed and of denied namespaces, one of them empty.
    segment_namespaces TEXT NOT NULL,
    -- Whether a segment was ever registered here, even if it is forgotten since.
    has_registered_segments BOOLEAN NOT NULL,
    -- Rises with every change by an admin; the etag.
    version BIGINT NOT NULL,
    CONSTRAINT segment_settings_pkey PRIMARY KEY (workspace)
);

-- JSON object: lists of allowed and of denied namespaces, one of them empty.
ALTER TABLE destinations ADD COLUMN segment_namespaces TEXT NOT NULL DEFAULT '{"allowed":[],"denied":[]}';
