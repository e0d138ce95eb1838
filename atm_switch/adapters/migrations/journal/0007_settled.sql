-- Up to which row every A has its B: what lies behind it is looked through after a start.
-- IF NOT EXISTS: a file whose version was turned back by hand gets as far as the check of heads.

CREATE TABLE IF NOT EXISTS journal_settled (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL
) STRICT;

INSERT OR IGNORE INTO journal_settled (one, seq) VALUES (1, 0);
