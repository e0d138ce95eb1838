-- The audit: who did what to the switch, in rows that are only ever added.
-- Times are microseconds since 1970-01-01 UTC; no PAN, no PIN, no key.

CREATE TABLE audit_rows (
    seq     INTEGER PRIMARY KEY CHECK (seq > 0),
    at      INTEGER NOT NULL,
    kind    TEXT    NOT NULL CHECK (kind IN (
        'start', 'stop', 'configuration', 'sign-on', 'sign-off', 'key change', 'key refused',
        'peer refused', 'mac refused', 'command')),
    actor   TEXT    NOT NULL CHECK (length(actor) <= 200),
    subject TEXT    NOT NULL CHECK (length(subject) <= 200),
    detail  TEXT    NOT NULL CHECK (length(detail) <= 200),
    chain   BLOB    NOT NULL CHECK (length(chain) = 32)
) STRICT;

CREATE TRIGGER audit_rows_are_not_changed BEFORE UPDATE ON audit_rows
BEGIN
    SELECT RAISE (ABORT, 'an audit row is never changed');
END;

CREATE TRIGGER audit_rows_are_not_deleted BEFORE DELETE ON audit_rows
BEGIN
    SELECT RAISE (ABORT, 'an audit row is never deleted');
END;

-- Gapless; and without this an INSERT OR REPLACE would delete past the trigger above.
CREATE TRIGGER audit_rows_follow_each_other BEFORE INSERT ON audit_rows
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit_rows)
BEGIN
    SELECT RAISE (ABORT, 'an audit row goes behind the last one');
END;

-- Where the chain ends: written in the same commit as the rows, sealed with their key.
CREATE TABLE audit_head (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    seq   INTEGER NOT NULL,
    chain BLOB    NOT NULL CHECK (length(chain) = 32),
    seal  BLOB    NOT NULL CHECK (length(seal) = 32)
) STRICT;

CREATE TRIGGER audit_head_is_not_deleted BEFORE DELETE ON audit_head
BEGIN
    SELECT RAISE (ABORT, 'the head of the audit is never deleted');
END;
