-- Live segments whose members should be sent once by the control plane.
CREATE TABLE wanted_backfills (
    destination_uid TEXT NOT NULL,
    -- The platform's segment id.
    segment TEXT NOT NULL,
    -- Since when it is wanted, last. Microseconds since 1970.
    want_time BIGINT NOT NULL,
    CONSTRAINT wanted_backfills_pkey PRIMARY KEY (destination_uid, segment),
    CONSTRAINT wanted_backfills_destination_fkey
        FOREIGN KEY (destination_uid) REFERENCES destinations (uid) ON DELETE CASCADE
);
