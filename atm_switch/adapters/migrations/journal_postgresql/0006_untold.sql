-- Answers that did not leave, though a row B says what they were: by the request's key and receipt.
-- told_at: when a repeat of it was told after all.

CREATE TABLE untold (
    acquirer    TEXT    NOT NULL,
    terminal    TEXT    NOT NULL,
    stamp       TEXT    NOT NULL,
    stan        TEXT    NOT NULL,
    rrn         TEXT    NOT NULL,
    received_at INTEGER NOT NULL,
    why         TEXT    NOT NULL CHECK (why IN ('late', 'not_sent')),
    at          INTEGER NOT NULL,
    told_at     INTEGER,
    PRIMARY KEY (acquirer, terminal, stamp, stan, rrn, received_at)
) STRICT, WITHOUT ROWID;
