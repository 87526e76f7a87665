-- Wakes the watchers of other replicas when a change of plans is committed. A
-- wake-up only: who misses it finds the change by polling.
CREATE FUNCTION notify_of_plan_changes() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    -- Within one transaction Postgres sends the same notification once.
    PERFORM pg_notify('sluice_plans_changed', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER plan_revision_notify
AFTER UPDATE ON plan_revision
FOR EACH STATEMENT EXECUTE FUNCTION notify_of_plan_changes();
