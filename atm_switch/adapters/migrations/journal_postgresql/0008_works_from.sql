-- The oldest schema whose programs may go on with the one there is, while machines are brought up
-- to date one by one.

ALTER TABLE journal_version ADD COLUMN works_from BIGINT;
