-- The last plans heard of, to work by while the config-service is away.
CREATE TABLE plans (
    -- uid of the destination.
    uid TEXT NOT NULL,
    revision BIGINT NOT NULL,
    -- sluice.config.v1.Plan
    body BYTEA NOT NULL,
    CONSTRAINT plans_pkey PRIMARY KEY (uid)
);

-- How each identity of each update ended: receipts for producers, and what a
-- lane need not do again after a restart.
CREATE TABLE settlements (
    -- Order of settlement; the receipts' cursor.
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- uid of the destination.
    uid TEXT NOT NULL,
    -- Journal frame, entry in it, identity in the update (-1: as a whole).
    position BIGINT NOT NULL,
    entry BIGINT NOT NULL,
    identity BIGINT NOT NULL,
    -- workspaces/{workspace}/destinations/{destination}
    destination TEXT NOT NULL,
    producer TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    update_id TEXT NOT NULL,
    -- delivered, excluded or failed
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    -- Microseconds since 1970.
    settle_time BIGINT NOT NULL,
    CONSTRAINT settlements_identity_key UNIQUE (uid, position, entry, identity)
);

-- Identities by how they ended, per destination, hour of acceptance and segment.
CREATE TABLE run_counts (
    -- uid of the destination.
    uid TEXT NOT NULL,
    -- Start of the hour. Microseconds since 1970.
    run_time BIGINT NOT NULL,
    -- Empty: all identities. Otherwise: those whose update named it.
    segment TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    identities BIGINT NOT NULL,
    CONSTRAINT run_counts_pkey PRIMARY KEY (uid, run_time, segment, outcome, reason)
);

-- Updates of which every identity has ended.
CREATE TABLE run_profiles (
    uid TEXT NOT NULL,
    run_time BIGINT NOT NULL,
    settled BIGINT NOT NULL,
    CONSTRAINT run_profiles_pkey PRIMARY KEY (uid, run_time)
);

-- Failed identities with their update and reason.
CREATE TABLE dead_letters (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- uid of the destination.
    uid TEXT NOT NULL,
    -- workspaces/{workspace}/destinations/{destination}
    destination TEXT NOT NULL,
    producer TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    update_id TEXT NOT NULL,
    code TEXT NOT NULL,
    -- JSON list of Salesforce field names.
    fields TEXT NOT NULL,
    -- Names the data key that seals `sealed`.
    key_id TEXT NOT NULL,
    -- Version of what is inside `sealed`.
    format BIGINT NOT NULL,
    -- Identity, message and update, sealed.
    sealed BYTEA NOT NULL,
    -- Microseconds since 1970.
    accept_time BIGINT NOT NULL,
    fail_time BIGINT NOT NULL
);

CREATE INDEX dead_letters_uid_idx ON dead_letters (uid, id);
