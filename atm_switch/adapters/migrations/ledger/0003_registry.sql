-- What becomes of a card's link: consent with its evidence, taken back, unlinked, replaced.
-- An unlinked card stays as a row, so that who was linked when can be told.

ALTER TABLE cards ADD COLUMN consent_evidence TEXT;
ALTER TABLE cards ADD COLUMN withdrawn_on TEXT;
ALTER TABLE cards ADD COLUMN unlinked_on TEXT;
ALTER TABLE cards ADD COLUMN replaced_on TEXT;
