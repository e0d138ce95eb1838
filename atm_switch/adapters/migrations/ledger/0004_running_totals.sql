-- The running totals stand with the participant: a statement finds both in one place, and no
-- second tree of as many accounts is searched.  Zero and NULL: nothing was ever booked.

ALTER TABLE participants ADD COLUMN balance_sen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE participants ADD COLUMN postings INTEGER NOT NULL DEFAULT 0;
ALTER TABLE participants ADD COLUMN first_posting TEXT;
ALTER TABLE participants ADD COLUMN last_contribution TEXT;
-- The latest year with a posting: where it is over, the statement of a later one reads none.
ALTER TABLE participants ADD COLUMN last_year INTEGER;

UPDATE participants SET
    balance_sen = held.balance_sen, postings = held.postings,
    first_posting = held.first_posting, last_contribution = held.last_contribution,
    last_year = (SELECT max(year) FROM year_totals WHERE year_totals.kpj = participants.kpj)
FROM account_totals AS held WHERE held.kpj = participants.kpj;

DROP TABLE account_totals;
