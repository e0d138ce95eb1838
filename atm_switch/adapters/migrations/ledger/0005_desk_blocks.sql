-- The day a card was blocked at the desk: such a block is lifted there too, and by no file.

ALTER TABLE cards ADD COLUMN blocked_on TEXT;
