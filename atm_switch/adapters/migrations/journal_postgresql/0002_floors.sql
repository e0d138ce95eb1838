-- Where each node's journal begins since its oldest rows were purged: the last row that went,
-- with its link and what proves that who holds the key let it go.

CREATE TABLE floors (
    node  TEXT    NOT NULL PRIMARY KEY,
    seq   INTEGER NOT NULL,
    chain BLOB    NOT NULL CHECK (length(chain) = 32),
    seal  BLOB    NOT NULL CHECK (length(seal) = 32)
);

DROP TRIGGER journal_rows_are_only_added ON journal_rows;

CREATE TRIGGER journal_rows_are_only_added BEFORE UPDATE OR TRUNCATE ON journal_rows
    FOR EACH STATEMENT EXECUTE FUNCTION rows_are_only_added();

CREATE FUNCTION rows_above_the_floor_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.seq > coalesce((SELECT seq FROM floors WHERE node = OLD.node), 0) THEN
        RAISE EXCEPTION 'a journal row above the floor is never deleted';
    END IF;
    RETURN OLD;
END $$;

CREATE TRIGGER journal_rows_above_the_floor_stay BEFORE DELETE ON journal_rows
    FOR EACH ROW EXECUTE FUNCTION rows_above_the_floor_stay();
