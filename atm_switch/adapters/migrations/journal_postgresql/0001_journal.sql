-- The journal, the audit and the outbox of several switches on one PostgreSQL.
-- Every process that writes is a node with chains of its own: a row's number counts within
-- its node.  Times are microseconds since 1970-01-01 UTC; dates are ISO text; no PAN, no PIN.

CREATE TABLE journal_rows (
    node            TEXT    NOT NULL,
    seq             INTEGER NOT NULL CHECK (seq > 0),
    kind            TEXT    NOT NULL CHECK (kind IN ('A', 'B')),
    ref             INTEGER CHECK (ref < seq),
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
    PRIMARY KEY (node, seq),
    CHECK ((card_key_id IS NULL) = (card_digest IS NULL)),
    CHECK (kind = 'B' OR (ref IS NULL AND outcome IS NULL AND response IS NULL
                          AND card_digest IS NOT NULL
                          AND pin_tries IS NOT NULL AND pin_granted IS NOT NULL)),
    CHECK (kind = 'A' OR (pin_tries IS NULL AND pin_granted IS NULL
                          AND outcome IS NOT NULL AND response_code IS NOT NULL
                          AND elapsed_us IS NOT NULL AND resets_tries IS NOT NULL))
);

-- An A ends once.
CREATE UNIQUE INDEX journal_rows_by_ref ON journal_rows (node, ref) WHERE ref IS NOT NULL;

CREATE INDEX journal_rows_by_repeat_key
    ON journal_rows (acquirer, terminal, stamp, stan, rrn) WHERE response IS NOT NULL;

CREATE INDEX journal_rows_by_rrn ON journal_rows (rrn);

CREATE INDEX journal_rows_by_business_date ON journal_rows (acquirer, business_date);

CREATE INDEX journal_rows_by_time ON journal_rows (written_at, node, seq);

-- Who answers a request first: of two processes with the same request one gets its row in here.
CREATE TABLE answers (
    acquirer    TEXT    NOT NULL,
    terminal    TEXT    NOT NULL,
    stamp       TEXT    NOT NULL,
    stan        TEXT    NOT NULL,
    rrn         TEXT    NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (acquirer, terminal, stamp, stan, rrn)
);

CREATE TABLE audit_rows (
    node    TEXT    NOT NULL,
    seq     INTEGER NOT NULL CHECK (seq > 0),
    at      INTEGER NOT NULL,
    kind    TEXT    NOT NULL CHECK (kind IN (
        'start', 'stop', 'configuration', 'sign-on', 'sign-off', 'key change', 'key refused',
        'peer refused', 'mac refused', 'command')),
    actor   TEXT    NOT NULL CHECK (length(actor) <= 200),
    subject TEXT    NOT NULL CHECK (length(subject) <= 200),
    detail  TEXT    NOT NULL CHECK (length(detail) <= 200),
    chain   BLOB    NOT NULL CHECK (length(chain) = 32),
    PRIMARY KEY (node, seq)
);

CREATE INDEX audit_rows_by_time ON audit_rows (at, node, seq);

-- Where the chains of each node end: written in the same commit as the rows, sealed with their key.
CREATE TABLE heads (
    node  TEXT    NOT NULL,
    book  TEXT    NOT NULL CHECK (book IN ('journal', 'audit')),
    seq   INTEGER NOT NULL,
    chain BLOB    NOT NULL CHECK (length(chain) = 32),
    seal  BLOB    NOT NULL CHECK (length(seal) = 32),
    PRIMARY KEY (node, book)
);

-- PIN tries used since the last right PIN; the digest is the keyed hash of the PAN.  A row
-- stays when its tries are cleared: it is the lock by which processes take turns.
CREATE TABLE pin_tries (
    pan_digest BLOB    PRIMARY KEY,
    tries      INTEGER NOT NULL CHECK (tries >= 0)
) WITH (fillfactor = 50);

CREATE TABLE business_dates (
    acquirer      TEXT PRIMARY KEY,
    business_date TEXT NOT NULL
);

-- Signed commands that were carried out, each for as long as a recording of it would be fresh.
CREATE TABLE commands (
    acquirer TEXT    NOT NULL,
    identity TEXT    NOT NULL,
    until    INTEGER NOT NULL,
    PRIMARY KEY (acquirer, identity)
);

CREATE INDEX commands_by_end ON commands (until);

CREATE SEQUENCE host_blocks MINVALUE 0 MAXVALUE 99 START 0 CYCLE;

-- The sealed key file as every machine must have it.
CREATE TABLE key_file (
    one      INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    version  INTEGER NOT NULL,
    envelope BLOB    NOT NULL
);

-- What happened and is still to be told.  An event's number is given by whoever tells it, in
-- the order of commits; xid is what tells that order (see the outbox's reader).
CREATE TABLE outbox (
    id     INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid    xid8    NOT NULL DEFAULT pg_current_xact_id(),
    seq    INTEGER UNIQUE,
    at     INTEGER NOT NULL,
    source TEXT    NOT NULL CHECK (source IN (
        'transaction', 'refusal', 'audit', 'notice', 'status')),
    node   TEXT    NOT NULL,
    ref    INTEGER,
    body   TEXT,
    CHECK ((ref IS NULL) = (source IN ('notice', 'status'))),
    CHECK ((ref IS NULL) = (body IS NOT NULL))
);

CREATE INDEX outbox_unnumbered ON outbox (xid, id) WHERE seq IS NULL;

CREATE TABLE outbox_mark (
    one   INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    seq   INTEGER NOT NULL,
    given INTEGER NOT NULL
);

INSERT INTO outbox_mark (one, seq, given) VALUES (1, 0, 0);

-- What each terminal was last said to be.
CREATE TABLE terminal_status (
    acquirer TEXT    NOT NULL,
    terminal TEXT    NOT NULL,
    state    TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (acquirer, terminal)
);

CREATE FUNCTION rows_are_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % is never changed nor deleted', TG_TABLE_NAME;
END $$;

CREATE TRIGGER journal_rows_are_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_rows
    FOR EACH STATEMENT EXECUTE FUNCTION rows_are_only_added();

CREATE TRIGGER audit_rows_are_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_rows
    FOR EACH STATEMENT EXECUTE FUNCTION rows_are_only_added();

CREATE TRIGGER heads_are_not_deleted BEFORE DELETE OR TRUNCATE ON heads
    FOR EACH STATEMENT EXECUTE FUNCTION rows_are_only_added();

CREATE FUNCTION endings_are_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (at, source, node, ref)
    SELECT written_at, source, node, seq FROM (
        SELECT written_at, 'transaction' AS source, node, seq, 1 AS place
        FROM fresh WHERE kind = 'B'
        UNION ALL
        SELECT written_at, 'refusal', node, seq, 2 FROM fresh
        WHERE outcome IN ('duplicate', 'mac_wrong', 'pin_tries_exceeded', 'terminal_not_listed',
                          'acquirer_not_allowed')
    ) AS told ORDER BY seq, place;
    RETURN NULL;
END $$;

CREATE TRIGGER journal_rows_are_events AFTER INSERT ON journal_rows
    REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION endings_are_events();

CREATE FUNCTION records_are_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (at, source, node, ref)
    SELECT at, 'audit', node, seq FROM fresh ORDER BY seq;
    RETURN NULL;
END $$;

CREATE TRIGGER audit_rows_are_events AFTER INSERT ON audit_rows
    REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION records_are_events();
