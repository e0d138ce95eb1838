-- Which accounts were merged into one: hardly any were, and every statement asks.

CREATE INDEX participants_merged ON participants (merged_into) WHERE merged_into IS NOT NULL;
