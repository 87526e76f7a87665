-- Accepted updates that are not settled yet, as received.
CREATE TABLE journal_frames (
    -- Rises with every frame and is never used twice.
    position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- uid of the destination.
    partition TEXT NOT NULL,
    -- When the updates were accepted. Microseconds since 1970.
    accept_time BIGINT NOT NULL,
    -- How many updates are inside.
    entries BIGINT NOT NULL,
    -- Version of what is inside `body`.
    format BIGINT NOT NULL,
    -- Names the data key that seals `body`.
    key_id TEXT NOT NULL,
    -- The updates, sealed.
    body BYTEA NOT NULL
);

CREATE INDEX journal_frames_partition_idx ON journal_frames (partition, position);

-- The last sequence accepted from each producer: sending again is safe.
CREATE TABLE producers (
    producer TEXT NOT NULL,
    last_sequence BIGINT NOT NULL,
    CONSTRAINT producers_pkey PRIMARY KEY (producer)
);

-- How many updates were accepted, by destination and hour.
CREATE TABLE acceptances (
    -- uid of the destination.
    partition TEXT NOT NULL,
    -- Start of the hour. Microseconds since 1970.
    run_time BIGINT NOT NULL,
    profiles BIGINT NOT NULL,
    CONSTRAINT acceptances_pkey PRIMARY KEY (partition, run_time)
);

-- Keys that seal frames, one a day, themselves sealed by the master key.
CREATE TABLE data_keys (
    key_id TEXT NOT NULL,
    -- Start of its day. Microseconds since 1970.
    day_time BIGINT NOT NULL,
    -- Names the master key.
    master_key_id TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    CONSTRAINT data_keys_pkey PRIMARY KEY (key_id)
);
