"""Staged participants into the ledger's table, judged rows left out.

Plan: a few statements over all rows, the last row of a KPJ having the last word: also on an
account claimed out, for no booking sets that status, a file did.  Only the status of a merged
KPJ is nobody's to set.
Limits: call within the transaction that books, after ``csv_judging.py``.
"""

from collections.abc import Callable, Iterable
from enum import Enum, unique
from typing import Final

from atm_switch.ledger.csv_judging import Judging
from atm_switch.ledger.csv_staging import LINE_BITS
from atm_switch.ledger.store import Row, Store

_OUTCOMES: Final = """
SELECT file, outcome, count(*) FROM (
    SELECT s.n >> {bits} AS file, CASE
        WHEN coalesce(s.before, held.kpj) IS NULL THEN 'added'
        WHEN s.before IS NULL AND held.name = s.name AND held.birth_date = s.birth_date
             AND held.segment = s.segment
             AND (held.status = s.status OR held.merged_into IS NOT NULL) THEN 'unchanged'
        WHEN s.name = s.name_before AND s.birth_date = s.birth_date_before
             AND s.segment = s.segment_before
             AND (s.status = s.status_before OR held.merged_into IS NOT NULL) THEN 'unchanged'
        ELSE 'updated' END AS outcome
    FROM (
        SELECT n, kpj, name, birth_date, segment, status,
               lag(kpj) OVER same AS before, lag(name) OVER same AS name_before,
               lag(birth_date) OVER same AS birth_date_before,
               lag(segment) OVER same AS segment_before, lag(status) OVER same AS status_before
        FROM atm_switch_staging.participants AS p{but}
        WINDOW same AS (PARTITION BY kpj ORDER BY n)
    ) AS s LEFT JOIN participants AS held ON held.kpj = s.kpj
) AS each_row GROUP BY file, outcome
"""
_SET: Final = """
INSERT INTO participants (kpj, person, nik_sealed, name, birth_date, segment, status)
SELECT kpj, person, nik_sealed, name, birth_date, segment, status FROM (
    SELECT p.*, row_number() OVER (PARTITION BY kpj ORDER BY n DESC) AS place
    FROM atm_switch_staging.participants AS p{but}
) AS last WHERE place = 1 ORDER BY kpj
ON CONFLICT (kpj) DO UPDATE SET
    name = excluded.name, birth_date = excluded.birth_date,
    segment = excluded.segment,
    -- What amalgamation made of an account no later file undoes.
    status = CASE WHEN participants.merged_into IS NULL
             THEN excluded.status ELSE participants.status END
"""
_UNEXPECTED: Final = """
SELECT n, kpj, becomes, merged_into, count(*) OVER () FROM (
    SELECT p.n, p.kpj, held.status AS was, p.status AS becomes, held.merged_into,
           row_number() OVER (PARTITION BY p.kpj ORDER BY p.n DESC) AS place
    FROM atm_switch_staging.participants AS p
    JOIN participants AS held ON held.kpj = p.kpj
         AND (held.merged_into IS NOT NULL OR held.status = 'K'){but}
) AS last WHERE place = 1 AND becomes <> was ORDER BY n LIMIT ?
"""
_PAID_AFTER: Final = """
SELECT gone.kpj, gone.last_contribution, count(*) OVER () FROM participants AS gone
WHERE gone.status = 'K' AND gone.last_contribution > (
    SELECT max(claim.posted_on) FROM year_totals AS years
    JOIN postings AS claim ON claim.year = years.year AND claim.kpj = years.kpj
         AND claim.kind = 'claim' AND claim.reverses IS NULL
    WHERE years.kpj = gone.kpj AND years.claims_sen <> 0
) AND EXISTS (
    SELECT 1 FROM postings AS paid
    WHERE paid.year = CAST(substr(gone.last_contribution, 1, 4) AS BIGINT)
      AND paid.kpj = gone.kpj AND paid.posted_on = gone.last_contribution
      AND paid.kind = 'contribution' AND paid.import_id IN ({ids})
) ORDER BY gone.kpj LIMIT ?
"""
# The first look ends in the index for whoever has one KPJ, which is nearly everybody.
_BORN_OTHERWISE: Final = """
SELECT max(p.n), p.kpj, (
    SELECT min(other.kpj) FROM participants AS other
    WHERE other.person = mine.person AND other.birth_date <> mine.birth_date
), count(*) OVER ()
FROM atm_switch_staging.participants AS p JOIN participants AS mine ON mine.kpj = p.kpj
WHERE EXISTS (
    SELECT 1 FROM participants AS other WHERE other.person = p.person AND other.kpj <> p.kpj
) AND EXISTS (
    SELECT 1 FROM participants AS other
    WHERE other.person = mine.person AND other.birth_date <> mine.birth_date
){but} GROUP BY p.kpj, mine.person, mine.birth_date ORDER BY 1 LIMIT ?
"""


@unique
class Change(Enum):
    """What a row did to the ledger."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


Tell = Callable[[int, Change, int], None]
"""Takes a file's number, what became of rows of it, and of how many."""


def set_participants(store: Store, judging: Judging, tell: Tell) -> None:
    """Add and update participants, in the order of their rows."""
    but = judging.but()
    for file, outcome, count in store.rows(_OUTCOMES.format(bits=LINE_BITS, but=but)):
        tell(file, Change(outcome), count)
    store.change(_SET.format(but=but))


def unexpected(store: Store, judging: Judging, most: int) -> list[Row]:
    """Return the rows a person should hear of.

    Those are of a merged KPJ, whose status no file sets, and of an account that was claimed
    out and is so no more.
    Up to ``most`` rows of n, KPJ, the file's status, what it was merged into, and how many
    there are in all.  Ask before ``set_participants``.
    """
    return store.rows(_UNEXPECTED.format(but=judging.but()), (most,))


def born_otherwise(store: Store, judging: Judging, most: int) -> list[Row]:
    """Return the rows whose NIK has another birth date with another KPJ.

    They may be two people, and then a card of one shows the balance of the other.  Up to
    ``most`` rows of n, KPJ, the other KPJ, and how many there are in all.  Ask after
    ``set_participants``.
    """
    return store.rows(_BORN_OTHERWISE.format(but=judging.but("AND")), (most,))


def paid_after_claim(store: Store, import_ids: Iterable[int], most: int) -> list[Row]:
    """Return accounts claimed out that were paid into again by these imports.

    Up to ``most`` rows of KPJ, day, and how many there are in all.  Ask after booking.
    """
    ids = ", ".join(str(int(one)) for one in import_ids)
    return store.rows(_PAID_AFTER.format(ids=ids), (most,))
