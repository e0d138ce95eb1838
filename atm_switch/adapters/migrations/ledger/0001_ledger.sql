-- Participants, their postings, and the cards linked to them.
-- Amounts are sen, signed: a claim is negative.  Dates are ISO text.

CREATE TABLE participants (
    kpj        TEXT PRIMARY KEY CHECK (length(kpj) = 11),
    person     TEXT NOT NULL,
    nik_sealed BLOB NOT NULL,
    name       TEXT NOT NULL,
    birth_date TEXT NOT NULL,
    segment    TEXT NOT NULL CHECK (segment IN ('PU', 'BPU', 'PMI')),
    status     TEXT NOT NULL CHECK (status IN ('A', 'N', 'K'))
) STRICT, WITHOUT ROWID;

CREATE INDEX participants_by_person ON participants (person, kpj);

CREATE TABLE imports (
    id          INTEGER PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN ('participants', 'postings', 'cards')),
    file_name   TEXT NOT NULL,
    sha256      BLOB NOT NULL,
    rows        INTEGER NOT NULL,
    imported_at TEXT NOT NULL
) STRICT;

-- Not unique: participants and cards may be set back by a file imported before.
CREATE INDEX imports_by_content ON imports (kind, sha256);

CREATE TABLE postings (
    id          INTEGER PRIMARY KEY,
    kpj         TEXT NOT NULL REFERENCES participants (kpj),
    posted_on   TEXT NOT NULL,
    kind        TEXT NOT NULL
                CHECK (kind IN ('contribution', 'development', 'claim', 'adjustment')),
    sub_account TEXT NOT NULL DEFAULT 'main',
    amount_sen  INTEGER NOT NULL CHECK (abs(amount_sen) < 100000000000000),
    import_id   INTEGER REFERENCES imports (id),
    CHECK (kind <> 'claim' OR amount_sen < 0),
    CHECK (kind <> 'contribution' OR amount_sen > 0)
) STRICT;

-- Holds all a statement reads, so that it never visits the table.
CREATE INDEX postings_by_kpj ON postings (kpj, posted_on, kind, amount_sen);

-- sqlite:
CREATE TRIGGER postings_are_not_changed BEFORE UPDATE ON postings
BEGIN
    SELECT RAISE (ABORT, 'a posting is never changed; book a reversing one');
END;

CREATE TRIGGER postings_are_not_deleted BEFORE DELETE ON postings
BEGIN
    SELECT RAISE (ABORT, 'a posting is never deleted; book a reversing one');
END;

-- postgresql:
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a posting is never changed or deleted; book a reversing one';
END
$$;

CREATE TRIGGER postings_are_not_changed BEFORE UPDATE OR DELETE ON postings
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- both:
CREATE TABLE cards (
    pan_digest BLOB PRIMARY KEY CHECK (length(pan_digest) = 32),
    key_id     TEXT NOT NULL,
    kpj        TEXT NOT NULL REFERENCES participants (kpj),
    expiry     TEXT NOT NULL,
    pvv        TEXT NOT NULL,
    pvki       TEXT NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('active', 'blocked')),
    consent_on TEXT,
    linked_on  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX cards_by_kpj ON cards (kpj);
