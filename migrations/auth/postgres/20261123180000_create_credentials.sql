-- Credentials of connections. The secrets are in `sealed` only.
CREATE TABLE credentials (
    -- workspaces/{workspace}/connections/{connection}
    connection TEXT NOT NULL,
    -- Rises with every change; part of what the seal is bound to.
    version BIGINT NOT NULL,
    -- client_credentials or password
    grant_kind TEXT NOT NULL,
    -- Consumer key of the app.
    client_id TEXT NOT NULL,
    -- Empty for client_credentials.
    username TEXT NOT NULL,
    -- Names the master key that seals data_key.
    key_id TEXT NOT NULL,
    -- This row's data key, sealed by the master key.
    data_key BYTEA NOT NULL,
    -- Version of what is inside `sealed`.
    format BIGINT NOT NULL,
    -- The secrets, sealed by the data key.
    sealed BYTEA NOT NULL,
    -- Microseconds since 1970.
    update_time BIGINT NOT NULL,
    CONSTRAINT credentials_pkey PRIMARY KEY (connection)
);
