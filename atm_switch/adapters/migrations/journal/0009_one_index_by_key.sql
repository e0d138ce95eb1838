-- One index finds a request by its whole key, which begins with the RRN, and by the RRN alone.
-- Two did, one in the order of terminals: each row dirtied a page of its own in that.  RRNs of one
-- hour, and requests of one moment, stand side by side in this one.
-- Rows of one key without an answer stand apart in it: a repeat is not to wade through them.
-- IF NOT EXISTS: a file whose version was turned back by hand gets as far as the check of heads.

DROP INDEX IF EXISTS journal_rows_by_repeat_key;

DROP INDEX IF EXISTS journal_rows_by_rrn;

CREATE INDEX IF NOT EXISTS journal_rows_by_key
    ON journal_rows (rrn, stamp, stan, terminal, acquirer, (response IS NULL));
