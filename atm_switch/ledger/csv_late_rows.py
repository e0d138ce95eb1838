"""Which staged postings come too late for their account: its development rests on the year.

Plan: as a single posting (``corrections.py``), none goes into a year the account has the
development of, or one before that.  Histories come in however they are cut, so a year that
brings its own development is taken whole; what it brought with an earlier import is not
looked at again.
Limits: call within the transaction that books, after whatever makes a development bad.  An
account that has no development takes late postings, whatever others have.
"""

from typing import Final

from atm_switch.ledger.csv_judged import not_judged
from atm_switch.ledger.standing import is_of_last_day, last_developed
from atm_switch.ledger.store import Store

# Materialized, for PostgreSQL would look for the last development once a row.
_LATE: Final = f"""
INSERT INTO judged (n, wrong, reason, kpj, day, word, amount_sen)
WITH settled AS MATERIALIZED (
    SELECT kpj, {last_developed("named.kpj")} AS year
    FROM (SELECT DISTINCT kpj FROM atm_switch_staging.postings) AS named
), brought AS MATERIALIZED (
    SELECT DISTINCT d.kpj, substr(d.posted_on, 1, 4) AS year
    FROM atm_switch_staging.postings AS d
    WHERE {is_of_last_day("d")} AND {not_judged("d")}
)
SELECT p.n, 'posted_on',
       'the account has the development of ' || CAST(settled.year AS TEXT) || ', which rests on '
           || substr(p.posted_on, 1, 4) || ' as it is; book it '
           || CASE WHEN p.kind = 'development' THEN 'as an adjustment ' ELSE '' END
           || 'in a later year, or take that development back first (atm-switch ledger'
           || ' postings, reverse) and import both in one command',
       p.kpj, p.posted_on, p.kind, p.amount_sen
FROM atm_switch_staging.postings AS p JOIN settled ON settled.kpj = p.kpj
LEFT JOIN brought ON brought.kpj = p.kpj AND brought.year = substr(p.posted_on, 1, 4)
WHERE brought.kpj IS NULL AND CAST(substr(p.posted_on, 1, 4) AS BIGINT) <= settled.year
  AND NOT ({is_of_last_day("p")}) AND {not_judged("p")}
"""  # noqa: S608 - constants


def judge_late(store: Store) -> None:
    """Put postings of years that are settled for their account into ``judged``."""
    store.change(_LATE)
