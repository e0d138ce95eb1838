-- Postings by year and account, and what they sum to, so that a statement costs the same
-- however long the history is and however many the accounts are.

ALTER TABLE participants ADD COLUMN merged_into TEXT REFERENCES participants (kpj);
ALTER TABLE participants ADD COLUMN merged_on TEXT;

ALTER TABLE postings RENAME TO postings_before;
DROP INDEX postings_by_kpj;
-- sqlite:
DROP TRIGGER postings_are_not_changed;
DROP TRIGGER postings_are_not_deleted;

-- both:
-- Clustered by year: what is booked today lies together, and an old year is never touched.
-- seq counts all postings in the order they were booked.  No reference to participants:
-- whoever books looks the account up, and reconcile proves that none is without.
CREATE TABLE postings (
    year        INTEGER NOT NULL,
    kpj         TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    posted_on   TEXT NOT NULL,
    kind        TEXT NOT NULL
                CHECK (kind IN ('contribution', 'development', 'claim', 'adjustment')),
    sub_account TEXT NOT NULL DEFAULT 'main' CHECK (sub_account IN ('main', 'additional')),
    amount_sen  INTEGER NOT NULL CHECK (abs(amount_sen) < 100000000000000),
    import_id   INTEGER,
    reverses    INTEGER,
    CHECK (kind <> 'claim' OR amount_sen < 0 OR reverses IS NOT NULL),
    CHECK (kind <> 'contribution' OR amount_sen > 0 OR reverses IS NOT NULL),
    PRIMARY KEY (year, kpj, seq)
) STRICT, WITHOUT ROWID;

INSERT INTO postings (year, kpj, seq, posted_on, kind, sub_account, amount_sen, import_id)
SELECT CAST(substr(posted_on, 1, 4) AS INTEGER), kpj, id, posted_on, kind, sub_account,
       amount_sen, import_id
FROM postings_before ORDER BY 1, kpj, id;

DROP TABLE postings_before;

-- A posting is taken back once.
CREATE UNIQUE INDEX postings_reversed ON postings (reverses) WHERE reverses IS NOT NULL;

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
CREATE TRIGGER postings_are_not_changed BEFORE UPDATE OR DELETE ON postings
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- both:
-- Signed, as the postings are: claims_sen is negative.  Changed in the transaction that
-- books the posting, always by adding.
CREATE TABLE year_totals (
    kpj               TEXT NOT NULL,
    year              INTEGER NOT NULL,
    contributions_sen INTEGER NOT NULL,
    adjustments_sen   INTEGER NOT NULL,
    development_sen   INTEGER NOT NULL,
    claims_sen        INTEGER NOT NULL,
    postings          INTEGER NOT NULL,
    last_contribution TEXT,
    PRIMARY KEY (kpj, year)
) STRICT, WITHOUT ROWID;

INSERT INTO year_totals
SELECT kpj, year,
       CAST(coalesce(sum(amount_sen) FILTER (WHERE kind = 'contribution'), 0) AS INTEGER),
       CAST(coalesce(sum(amount_sen) FILTER (WHERE kind = 'adjustment'), 0) AS INTEGER),
       CAST(coalesce(sum(amount_sen) FILTER (WHERE kind = 'development'), 0) AS INTEGER),
       CAST(coalesce(sum(amount_sen) FILTER (WHERE kind = 'claim'), 0) AS INTEGER),
       count(*), max(posted_on) FILTER (WHERE kind = 'contribution')
FROM postings GROUP BY kpj, year ORDER BY kpj, year;

CREATE TABLE account_totals (
    kpj               TEXT PRIMARY KEY,
    balance_sen       INTEGER NOT NULL,
    postings          INTEGER NOT NULL,
    first_posting     TEXT NOT NULL,
    last_contribution TEXT
) STRICT, WITHOUT ROWID;

INSERT INTO account_totals
SELECT kpj, CAST(sum(amount_sen) AS INTEGER), count(*), min(posted_on),
       max(posted_on) FILTER (WHERE kind = 'contribution')
FROM postings GROUP BY kpj ORDER BY kpj;

-- The last posting's number; whoever books takes the next ones and so waits for its turn.
CREATE TABLE last_posting (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL
) STRICT;

INSERT INTO last_posting SELECT 1, coalesce(max(seq), 0) FROM postings;

-- Years whose development was booked for every account.  next_kpj: where a close-year that
-- was interrupted goes on; NULL once it is done.
CREATE TABLE closed_years (
    year             INTEGER NOT NULL PRIMARY KEY,
    accrual          TEXT NOT NULL CHECK (accrual IN ('monthly', 'daily365')),
    rate_millipercent INTEGER NOT NULL,
    next_kpj         TEXT,
    accounts         INTEGER NOT NULL,
    development_sen  INTEGER NOT NULL,
    began_at         TEXT NOT NULL,
    finished_at      TEXT
) STRICT;
