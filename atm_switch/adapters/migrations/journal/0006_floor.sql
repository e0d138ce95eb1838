-- Where the journal begins since its oldest rows were purged: the last row that went, with its
-- link and what proves that who holds the key let it go.
-- IF EXISTS: a file whose version was turned back by hand gets as far as the check of heads.

CREATE TABLE IF NOT EXISTS journal_floor (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    seq   INTEGER NOT NULL,
    chain BLOB    NOT NULL CHECK (length(chain) = 32),
    seal  BLOB    NOT NULL CHECK (length(seal) = 32)
) STRICT;

DROP TRIGGER IF EXISTS journal_rows_are_not_deleted;

CREATE TRIGGER journal_rows_are_not_deleted BEFORE DELETE ON journal_rows
WHEN OLD.seq > coalesce((SELECT seq FROM journal_floor), 0)
BEGIN
    SELECT RAISE (ABORT, 'a journal row above the floor is never deleted');
END;
