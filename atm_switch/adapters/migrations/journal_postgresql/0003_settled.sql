-- Up to which row of each node every A has its B: what lies behind it is looked through after
-- a start.

CREATE TABLE settled (
    node TEXT    NOT NULL PRIMARY KEY,
    seq  INTEGER NOT NULL
);
