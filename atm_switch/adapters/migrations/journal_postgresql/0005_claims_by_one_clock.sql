-- Until when a claim is young, by the clock of this server and no other: the clocks of the
-- machines that claim may differ.  What was claimed before, or is claimed by an older release that
-- still runs, says nothing of it; a minute is longer than any request is under way.

ALTER TABLE answers ADD COLUMN until TIMESTAMPTZ NOT NULL DEFAULT now() + INTERVAL '1 minute';

ALTER TABLE answers ALTER COLUMN until SET DEFAULT clock_timestamp() + INTERVAL '1 minute';
