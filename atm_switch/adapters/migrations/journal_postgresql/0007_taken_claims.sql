-- A claim that an older release takes over says nothing of how long it is young, for the one
-- before has said so: young for a minute from now, as one it makes.  What this release takes over
-- brings its own time; its usual way, which sets no node, does not come by here.

CREATE FUNCTION taken_claims_are_young() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.until := clock_timestamp() + INTERVAL '1 minute';
    RETURN NEW;
END $$;

CREATE TRIGGER taken_claims_are_young BEFORE UPDATE OF node ON answers
    FOR EACH ROW
    WHEN (NEW.until = OLD.until AND (NEW.node, NEW.received_at) <> (OLD.node, OLD.received_at))
    EXECUTE FUNCTION taken_claims_are_young();
