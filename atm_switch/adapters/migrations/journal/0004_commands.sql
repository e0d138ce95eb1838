-- Signed commands that were carried out, each for as long as a recording of it would be fresh.
-- Times are microseconds since 1970-01-01 UTC; an identity is DE41, 7, 11 and 70.
-- IF NOT EXISTS: a file whose version was turned back by hand gets as far as the check of heads.

CREATE TABLE IF NOT EXISTS commands (
    acquirer TEXT    NOT NULL,
    identity TEXT    NOT NULL,
    until    INTEGER NOT NULL,
    PRIMARY KEY (acquirer, identity)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS commands_by_end ON commands (until);
