-- Salesforce logins, without their credentials.
CREATE TABLE connections (
    -- workspaces/{workspace}/connections/{connection}
    name TEXT NOT NULL,
    -- workspaces/{workspace}
    workspace TEXT NOT NULL,
    display_name TEXT NOT NULL,
    description TEXT NOT NULL,
    -- Host that logins go to, normalised from what was entered.
    login_host TEXT NOT NULL,
    -- 18-character id, pinned by the first check that succeeded; empty before.
    org_id TEXT NOT NULL,
    -- What the last check found, as JSON; NULL before the first.
    last_check TEXT,
    -- Rises with every change; the etag.
    version BIGINT NOT NULL,
    -- Microseconds since 1970.
    create_time BIGINT NOT NULL,
    update_time BIGINT NOT NULL,
    CONSTRAINT connections_pkey PRIMARY KEY (name)
);

-- What is sent where.
CREATE TABLE destinations (
    -- workspaces/{workspace}/destinations/{destination}
    name TEXT NOT NULL,
    -- Tells it from a later one of its name.
    uid TEXT NOT NULL,
    -- workspaces/{workspace}
    workspace TEXT NOT NULL,
    connection TEXT NOT NULL,
    display_name TEXT NOT NULL,
    description TEXT NOT NULL,
    -- Contact or Lead
    record_type TEXT NOT NULL,
    -- Empty: update by id. Otherwise: upsert by this field.
    key_field TEXT NOT NULL,
    -- Whether that field tells cases apart, from describe at activation.
    key_case_sensitive BOOLEAN NOT NULL,
    -- JSON list of rows.
    field_mappings TEXT NOT NULL,
    -- JSON list of segments with their Mapping IDs.
    segments TEXT NOT NULL,
    -- leave, exit or exit_and_blank
    deleted_profile_policy TEXT NOT NULL,
    max_delay_ms BIGINT NOT NULL,
    -- draft, enabled, disabled or deleting
    desired_state TEXT NOT NULL,
    -- Updates accepted before this are discarded. Microseconds since 1970.
    discard_accepted_before BIGINT,
    -- Place in the order of plan changes.
    revision BIGINT NOT NULL,
    -- Rises with every change by an admin; the etag.
    version BIGINT NOT NULL,
    -- What delivery last reported, as JSON; NULL before.
    delivery_status TEXT,
    -- Microseconds since 1970.
    create_time BIGINT NOT NULL,
    update_time BIGINT NOT NULL,
    CONSTRAINT destinations_pkey PRIMARY KEY (name),
    CONSTRAINT destinations_uid_key UNIQUE (uid),
    CONSTRAINT destinations_connection_fkey FOREIGN KEY (connection) REFERENCES connections (name)
);

CREATE INDEX destinations_revision_idx ON destinations (revision);

-- Destinations that were planned and are gone, so that watchers learn of it.
CREATE TABLE removed_destinations (
    uid TEXT NOT NULL,
    -- Place in the order of plan changes.
    revision BIGINT NOT NULL,
    CONSTRAINT removed_destinations_pkey PRIMARY KEY (uid)
);

-- One row: the newest plan revision. Changed first in every transaction that
-- changes plans, so that such transactions follow each other and revisions
-- become visible in order.
CREATE TABLE plan_revision (
    id BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    CONSTRAINT plan_revision_pkey PRIMARY KEY (id)
);

INSERT INTO plan_revision (id, revision) VALUES (1, 0);
