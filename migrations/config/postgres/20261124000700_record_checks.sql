-- What the newest recurring check of a live destination found.
CREATE TABLE destination_checks (
    -- The destination's.
    uid TEXT NOT NULL,
    -- The findings and whether the org was asked, as JSON.
    findings TEXT NOT NULL,
    -- The org's description that it saw: its Last-Modified and ETag; may be
    -- empty.
    last_modified TEXT NOT NULL,
    etag TEXT NOT NULL,
    -- Microseconds since 1970.
    check_time BIGINT NOT NULL,
    -- When the org was last asked whether its description changed.
    poll_time BIGINT NOT NULL,
    CONSTRAINT destination_checks_pkey PRIMARY KEY (uid)
);

-- How findings changed from one recurring check to the next.
CREATE TABLE destination_check_changes (
    -- The destination's.
    uid TEXT NOT NULL,
    -- When the check noticed. Microseconds since 1970.
    change_time BIGINT NOT NULL,
    -- Findings that were not there before, as JSON.
    appeared TEXT NOT NULL,
    -- Findings that are not there any more, as JSON.
    disappeared TEXT NOT NULL,
    CONSTRAINT destination_check_changes_pkey PRIMARY KEY (uid, change_time)
);

-- Who does a recurring task: one of several config-services.
CREATE TABLE task_leases (
    -- The task.
    name TEXT NOT NULL,
    -- The process that holds it.
    holder TEXT NOT NULL,
    -- Free again after this. Microseconds since 1970.
    expire_time BIGINT NOT NULL,
    CONSTRAINT task_leases_pkey PRIMARY KEY (name)
);
