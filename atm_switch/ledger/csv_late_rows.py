"""Which staged postings come too late for their account: its development rests on the year.

Plan: as a single posting (``corrections.py``), none goes into a year the account has the
development of, or one before that.  Histories come in however they are cut, so a year that
brings its own development is taken whole; what it brought with an earlier import is not
looked at again.  Only what the account has of the row's year and of later ones is looked up:
of a file of the running year that is one year of totals, however many are closed.
Limits: call within the transaction that books, after whatever makes a development bad or finds
the year closed.  An account that has no development takes late postings, whatever others have.
"""

from datetime import date
from typing import Final

from atm_switch.ledger.csv_judged import not_judged
from atm_switch.ledger.standing import is_developed_from, is_of_last_day, last_developed
from atm_switch.ledger.store import Store

_YEAR: Final = "CAST(substr(p.posted_on, 1, 4) AS BIGINT)"
LATE: Final = f"""
INSERT INTO judged (n, wrong, reason, kpj, day, word, amount_sen)
WITH brought AS MATERIALIZED (
    SELECT DISTINCT d.kpj, substr(d.posted_on, 1, 4) AS year
    FROM atm_switch_staging.postings AS d
    WHERE {is_of_last_day("d")} AND {not_judged("d")}
)
SELECT late.n, 'posted_on',
       'the account has the development of ' || CAST(late.developed AS TEXT)
           || ', which rests on ' || substr(late.posted_on, 1, 4) || ' as it is; '
           || CASE WHEN late.developed >= CAST(? AS BIGINT) THEN ''
                   ELSE 'book it ' || CASE WHEN late.kind = 'development'
                       THEN 'as an adjustment ' ELSE '' END || 'in a later year, or ' END
           || 'take that development back first (atm-switch ledger postings, reverse)'
           || ' and import both in one command',
       late.kpj, late.posted_on, late.kind, late.amount_sen
FROM (
    SELECT p.*, {last_developed("p.kpj")} AS developed
    FROM atm_switch_staging.postings AS p
    LEFT JOIN brought ON brought.kpj = p.kpj AND brought.year = substr(p.posted_on, 1, 4)
    WHERE brought.kpj IS NULL AND NOT ({is_of_last_day("p")}) AND {not_judged("p")}
      AND {is_developed_from("p.kpj", _YEAR)}
) AS late
"""  # noqa: S608 - constants
"""Takes the running year, for nobody can book in a later one."""


def judge_late(store: Store, today: date) -> None:
    """Put postings of years that are settled for their account into ``judged``."""
    store.change(LATE, (today.year,))
