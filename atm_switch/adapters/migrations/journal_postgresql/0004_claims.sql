-- Whose a request is from its row A on, so that no second process begins it: the process that
-- is to answer it first, and the request it has.

ALTER TABLE answers ADD COLUMN node TEXT NOT NULL DEFAULT '';

ALTER TABLE answers ADD COLUMN fingerprint BLOB NOT NULL DEFAULT '';

ALTER TABLE answers SET (fillfactor = 70);
