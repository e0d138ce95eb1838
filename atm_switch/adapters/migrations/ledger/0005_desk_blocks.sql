-- The day a card was blocked at the desk: such a block is lifted there too, and by no file.

ALTER TABLE cards ADD COLUMN blocked_on TEXT;

-- Who blocked a card so far nobody noted: it may have been the desk.
UPDATE cards SET blocked_on = linked_on WHERE status = 'blocked';
