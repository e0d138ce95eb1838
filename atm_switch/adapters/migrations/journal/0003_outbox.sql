-- The outbox: what happened and is still to be told, in the order it became durable.
-- Times are microseconds since 1970-01-01 UTC; no PAN, no PIN, no name.
--
-- The triggers below put an event beside every ending and every record of the audit, in the
-- transaction that brings the row: whoever writes a row, it cannot be there without its event.
-- Such an event is a reference; what it says is read from the row it belongs to.
-- IF NOT EXISTS: a file whose version was turned back by hand gets as far as the check of heads.

CREATE TABLE IF NOT EXISTS outbox (
    seq    INTEGER PRIMARY KEY CHECK (seq > 0),
    at     INTEGER NOT NULL,
    source TEXT    NOT NULL CHECK (source IN (
        'transaction', 'refusal', 'audit', 'notice', 'status')),
    ref    INTEGER,
    body   TEXT,
    CHECK ((ref IS NULL) = (source IN ('notice', 'status'))),
    CHECK ((ref IS NULL) = (body IS NOT NULL))
) STRICT;

CREATE INDEX IF NOT EXISTS outbox_status ON outbox (seq) WHERE source = 'status';

CREATE TRIGGER IF NOT EXISTS outbox_rows_are_not_changed BEFORE UPDATE ON outbox
BEGIN
    SELECT RAISE (ABORT, 'an event is never changed');
END;

-- A number is never given twice: SQLite counts on from the largest that is there.
CREATE TRIGGER IF NOT EXISTS outbox_keeps_its_newest BEFORE DELETE ON outbox
WHEN OLD.seq = (SELECT max(seq) FROM outbox)
BEGIN
    SELECT RAISE (ABORT, 'the newest event is never deleted');
END;

-- Up to where the broker has acknowledged all events.
CREATE TABLE IF NOT EXISTS outbox_mark (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL
) STRICT;

INSERT OR IGNORE INTO outbox_mark (one, seq) VALUES (1, 0);

-- What each terminal was last said to be, for a switch that starts again.
CREATE TABLE IF NOT EXISTS terminal_status (
    acquirer TEXT    NOT NULL,
    terminal TEXT    NOT NULL,
    state    TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (acquirer, terminal)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER IF NOT EXISTS journal_rows_are_events AFTER INSERT ON journal_rows WHEN NEW.kind = 'B'
BEGIN
    INSERT INTO outbox (at, source, ref) VALUES (NEW.written_at, 'transaction', NEW.seq);
    INSERT INTO outbox (at, source, ref) SELECT NEW.written_at, 'refusal', NEW.seq
    WHERE NEW.outcome IN ('duplicate', 'mac_wrong', 'pin_tries_exceeded', 'terminal_not_listed',
                          'acquirer_not_allowed');
END;

CREATE TRIGGER IF NOT EXISTS audit_rows_are_events AFTER INSERT ON audit_rows
BEGIN
    INSERT INTO outbox (at, source, ref) VALUES (NEW.at, 'audit', NEW.seq);
END;
