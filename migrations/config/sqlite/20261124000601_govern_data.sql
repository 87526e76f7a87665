-- Labels of a workspace's own. Those known from the start are in the code.
CREATE TABLE labels (
    -- workspaces/{workspace}
    workspace TEXT NOT NULL,
    -- For example CUSTOM_1.
    label TEXT NOT NULL,
    description TEXT NOT NULL,
    CONSTRAINT labels_pkey PRIMARY KEY (workspace, label)
);

-- Marketing actions of a workspace's own. Those known from the start are in the code.
CREATE TABLE marketing_actions (
    -- workspaces/{workspace}
    workspace TEXT NOT NULL,
    -- For example LOYALTY_MAILING.
    marketing_action TEXT NOT NULL,
    description TEXT NOT NULL,
    CONSTRAINT marketing_actions_pkey PRIMARY KEY (workspace, marketing_action)
);

-- Fields of the profile that have labels.
CREATE TABLE field_labels (
    -- workspaces/{workspace}
    workspace TEXT NOT NULL,
    -- Dotted path; identityMap.{namespace} is an identity namespace.
    field TEXT NOT NULL,
    -- JSON list of label ids, never empty.
    labels TEXT NOT NULL,
    CONSTRAINT field_labels_pkey PRIMARY KEY (workspace, field)
);

-- Policies of a workspace's own, and what was switched of those that exist from
-- the start, which are in the code but for that.
CREATE TABLE policies (
    -- workspaces/{workspace}
    workspace TEXT NOT NULL,
    -- Last part of the name. core-… exists from the start.
    policy TEXT NOT NULL,
    -- This and the next three are empty for a policy that exists from the start.
    display_name TEXT NOT NULL,
    description TEXT NOT NULL,
    marketing_action TEXT NOT NULL,
    -- JSON list of label ids.
    labels TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    -- Rises with every change; the etag.
    version BIGINT NOT NULL,
    -- Microseconds since 1970.
    update_time BIGINT NOT NULL,
    CONSTRAINT policies_pkey PRIMARY KEY (workspace, policy)
);

-- JSON list of ids: what the destination's data is used for.
ALTER TABLE destinations ADD COLUMN marketing_actions TEXT NOT NULL DEFAULT '[]';
