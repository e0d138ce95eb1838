-- The block of host references given out last, where several workers share the journal.
-- IF NOT EXISTS: a file whose version was turned back by hand gets as far as the check of heads.

CREATE TABLE IF NOT EXISTS host_blocks (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    taken INTEGER NOT NULL CHECK (taken BETWEEN 0 AND 99)
) STRICT;
