"""Which staged postings would leave an account below zero at the end of a day.

Plan: one statement finds the accounts, by what is held and what is staged side by side; only
theirs come here, a thousand accounts at a time, and ``domain/solvency.py`` says which of the
new takings cannot stand.
Limits: call within the transaction that books, after whatever else makes a row bad.  A file's
postings are of the main sub-account, and so are those they are held against.
"""

from itertools import groupby
from typing import Final

from atm_switch.domain.solvency import uncovered
from atm_switch.ledger.csv_judged import not_judged
from atm_switch.ledger.store import Row, Store

_ACCOUNTS_AT_ONCE: Final = 1_000
_TABLES: Final = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS takers (kpj TEXT PRIMARY KEY)",
    "CREATE TEMPORARY TABLE IF NOT EXISTS spared (kpj TEXT PRIMARY KEY)",
    "CREATE TEMPORARY TABLE IF NOT EXISTS lacking (kpj TEXT PRIMARY KEY)",
    """
    CREATE TEMPORARY TABLE IF NOT EXISTS weighed (
        kpj TEXT, n BIGINT, posted_on TEXT, kind TEXT, amount_sen BIGINT, PRIMARY KEY (kpj, n)
    )
    """,
    "DELETE FROM takers",
    "DELETE FROM spared",
    "DELETE FROM lacking",
    "DELETE FROM weighed",
)
_TAKERS: Final = """
INSERT INTO takers
SELECT DISTINCT kpj FROM atm_switch_staging.postings AS p WHERE amount_sen < 0{but}
"""
_SPARED: Final = """
INSERT INTO spared
SELECT kpj FROM judged WHERE kpj IS NOT NULL
UNION SELECT kpj FROM atm_switch_staging.rejects WHERE kpj IS NOT NULL
"""
_NOT_SPARED: Final = " AND NOT EXISTS (SELECT 1 FROM spared WHERE spared.kpj = p.kpj)"
_HELD: Final = """
SELECT held.kpj, -held.seq AS n, held.posted_on, held.kind, held.amount_sen
FROM {accounts} AS a
JOIN year_totals AS years ON years.kpj = a.kpj
JOIN postings AS held ON held.year = years.year AND held.kpj = years.kpj
WHERE held.sub_account = 'main'
"""
_STAGED: Final = """
SELECT p.kpj, p.n, p.posted_on, p.kind, p.amount_sen FROM atm_switch_staging.postings AS p
WHERE p.kpj IN (SELECT kpj FROM {accounts}){but}
"""
# The running sum of a day is that at its end, for rows of one day are peers.
_LACKING: Final = """
INSERT INTO lacking SELECT DISTINCT kpj FROM (
    SELECT kpj, sum(amount_sen) OVER (PARTITION BY kpj ORDER BY posted_on) AS rest
    FROM ({held} UNION ALL {staged}) AS moved
) AS days WHERE rest < 0
"""
_NEXT: Final = "SELECT kpj FROM lacking WHERE kpj > ? ORDER BY kpj LIMIT ?"
_WEIGHED: Final = """
SELECT kpj, n, posted_on, kind, amount_sen FROM weighed
WHERE kpj >= ? AND kpj <= ? ORDER BY kpj, n
"""
_COLUMNS: Final = ("n", "wrong", "reason", "kpj", "day", "word", "amount_sen")


def judge_balances(store: Store, *, has_bad: bool, spares_bad: bool) -> None:
    """Put takings that cannot stand into ``judged``.

    ``has_bad``: whether there is a bad row.  ``spares_bad``: whether its account is left alone.
    """
    but = f" AND {not_judged('p')}" if has_bad else ""
    for statement in _TABLES:
        store.change(statement)
    if spares_bad:
        store.change(_SPARED)
    store.change(_TAKERS.format(but=but + _NOT_SPARED if spares_bad else but))
    if store.is_postgres:
        store.change("ANALYZE takers")
    held, staged = _HELD.format(accounts="takers"), _STAGED.format(accounts="takers", but=but)
    store.change(_LACKING.format(held=held, staged=staged))
    for weighed in (_HELD.format(accounts="lacking"), _STAGED.format(accounts="lacking", but=but)):
        store.change(f"INSERT INTO weighed {weighed}")
    after = ""
    while accounts := store.rows(_NEXT, (after, _ACCOUNTS_AT_ONCE)):
        (first,), (after,) = accounts[0], accounts[-1]
        rows = store.rows(_WEIGHED, (first, after))
        judged = [
            bad for _, group in groupby(rows, lambda row: row[0]) for bad in _bad(list(group))
        ]
        store.load("judged", _COLUMNS, judged)


def _bad(rows: list[Row]) -> list[Row]:
    """Return what is to be judged of the rows of one account."""
    new = {n: row for row in rows if (n := row[1]) > 0}
    held = [(day, sen) for _, n, day, _, sen in rows if n < 0]
    bad = uncovered(held, [(n, day, sen) for _, n, day, _, sen in new.values()])
    return [
        (
            number,
            "amount",
            f"the account would fall below zero on {short} with this posting",
            *(new[number][at] for at in (0, 2, 3, 4)),
        )
        for number, short in bad
    ]
