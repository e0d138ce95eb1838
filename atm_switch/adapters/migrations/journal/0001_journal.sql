-- The journal: rows that are only ever added, and three small tables beside them.
-- Times are microseconds since 1970-01-01 UTC; dates are ISO text; no PAN, no PIN.

CREATE TABLE journal_rows (
    seq             INTEGER PRIMARY KEY CHECK (seq > 0),
    kind            TEXT    NOT NULL CHECK (kind IN ('A', 'B')),
    ref             INTEGER REFERENCES journal_rows (seq) CHECK (ref < seq),
    received_at     INTEGER NOT NULL,
    written_at      INTEGER NOT NULL,
    acquirer        TEXT    NOT NULL,
    terminal        TEXT    NOT NULL,
    stamp           TEXT    NOT NULL,
    stan            TEXT    NOT NULL,
    rrn             TEXT    NOT NULL,
    fingerprint     BLOB    NOT NULL,
    mti             TEXT    NOT NULL,
    processing_code TEXT    NOT NULL,
    channel         TEXT    NOT NULL,
    business_date   TEXT    NOT NULL,
    peer            TEXT    NOT NULL,
    pan_masked      TEXT    NOT NULL,
    card_key_id     TEXT,
    card_digest     BLOB,
    pin_tries       INTEGER,
    pin_granted     INTEGER CHECK (pin_granted IN (0, 1)),
    outcome         TEXT,
    response_code   TEXT,
    reason          TEXT,
    kpj_masked      TEXT,
    host_reference  TEXT,
    elapsed_us      INTEGER,
    resets_tries    INTEGER CHECK (resets_tries IN (0, 1)),
    response        BLOB,
    chain           BLOB    NOT NULL CHECK (length(chain) = 32),
    CHECK ((card_key_id IS NULL) = (card_digest IS NULL)),
    CHECK (kind = 'B' OR (ref IS NULL AND outcome IS NULL AND response IS NULL
                          AND card_digest IS NOT NULL
                          AND pin_tries IS NOT NULL AND pin_granted IS NOT NULL)),
    CHECK (kind = 'A' OR (pin_tries IS NULL AND pin_granted IS NULL
                          AND outcome IS NOT NULL AND response_code IS NOT NULL
                          AND elapsed_us IS NOT NULL AND resets_tries IS NOT NULL))
) STRICT;

-- An A ends once; and the question "has it ended" is one look into this index.
CREATE UNIQUE INDEX journal_rows_by_ref ON journal_rows (ref) WHERE ref IS NOT NULL;

CREATE INDEX journal_rows_by_repeat_key
    ON journal_rows (acquirer, terminal, stamp, stan, rrn) WHERE response IS NOT NULL;

CREATE INDEX journal_rows_by_rrn ON journal_rows (rrn);

CREATE INDEX journal_rows_by_business_date ON journal_rows (acquirer, business_date);

CREATE TRIGGER journal_rows_are_not_changed BEFORE UPDATE ON journal_rows
BEGIN
    SELECT RAISE (ABORT, 'a journal row is never changed');
END;

CREATE TRIGGER journal_rows_are_not_deleted BEFORE DELETE ON journal_rows
BEGIN
    SELECT RAISE (ABORT, 'a journal row is never deleted');
END;

-- Gapless; and without this an INSERT OR REPLACE would delete past the trigger above.
CREATE TRIGGER journal_rows_follow_each_other BEFORE INSERT ON journal_rows
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM journal_rows)
     OR EXISTS (SELECT 1 FROM journal_rows WHERE ref = NEW.ref)
BEGIN
    SELECT RAISE (ABORT, 'a journal row goes behind the last one, and an A ends once');
END;

-- Where the chain ends: written in the same commit as the rows, sealed with their key.
CREATE TABLE journal_head (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    seq   INTEGER NOT NULL,
    chain BLOB    NOT NULL CHECK (length(chain) = 32),
    seal  BLOB    NOT NULL CHECK (length(seal) = 32)
) STRICT;

-- PIN tries used since the last right PIN; the digest is the keyed hash of the PAN.
CREATE TABLE pin_tries (
    pan_digest BLOB    PRIMARY KEY,
    tries      INTEGER NOT NULL CHECK (tries > 0)
) STRICT, WITHOUT ROWID;

-- The business date each acquirer is in (DE15); moved on by its cut-over message.
CREATE TABLE business_dates (
    acquirer      TEXT PRIMARY KEY,
    business_date TEXT NOT NULL
) STRICT, WITHOUT ROWID;
