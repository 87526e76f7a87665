-- Who works on these tables: one delivery-service at a time.
CREATE TABLE leases (
    -- What is leased.
    name TEXT NOT NULL,
    -- The installation that holds it; the same after a restart.
    holder TEXT NOT NULL,
    -- Free again after this. Microseconds since 1970.
    expire_time BIGINT NOT NULL,
    CONSTRAINT leases_pkey PRIMARY KEY (name)
);
