"""The JHT ledger on SQLite, read point by point in the event loop.

Plan: a read-only connection, each question a few indexed look-ups of microseconds, as many
for a long history as for a short one: the opening is the running total less what the years
since have brought.  Those of one turn of the loop are within one read transaction
(``turn_reads.py``), so an import that ends meanwhile is seen whole or not at all.  An error
of the file, a row that makes no sense, or a query past its time is ``LedgerUnavailable``:
the corridor answers 91 then.  Writing is the import's (``csv_import.py``), in other processes.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from atm_switch.adapters.schema import QUERY_SECONDS_MAX, open_reader
from atm_switch.adapters.turn_reads import Soon, TurnReads
from atm_switch.domain.errors import LedgerUnavailable
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import MemberStatus, Participant, Segment
from atm_switch.domain.money import Money
from atm_switch.domain.statement import AccountHistory, Posting, posting_kind, sort_year
from atm_switch.ledger.store_sqlite import FAMILY

_SIBLINGS = """
SELECT other.kpj FROM participants AS mine
JOIN participants AS other ON other.person = mine.person AND other.merged_into IS NULL
WHERE mine.kpj = ? ORDER BY other.kpj <> mine.kpj, other.kpj
"""
_ACCOUNT = """
SELECT person, name, segment, status, coalesce(held.balance_sen, 0), coalesce(held.postings, 0),
       since.sen, since.postings,
       (SELECT last_contribution FROM year_totals
        WHERE kpj = ?1 AND year < ?2 AND last_contribution IS NOT NULL
        ORDER BY year DESC LIMIT 1)
FROM participants LEFT JOIN account_totals AS held ON held.kpj = participants.kpj
CROSS JOIN (
    SELECT coalesce(sum(contributions_sen + adjustments_sen + development_sen + claims_sen), 0)
           AS sen, coalesce(sum(postings), 0) AS postings
    FROM year_totals WHERE kpj = ?1 AND year >= ?2
) AS since
WHERE participants.kpj = ?1
"""
_OF_THE_YEAR = """
SELECT posted_on, kind, amount_sen FROM postings
WHERE year = ? AND kpj = ? AND posted_on <= ? ORDER BY posted_on, seq
"""


class SqliteLedger:
    """Answers ``FindSiblings`` and ``FindAccount``."""

    def __init__(
        self,
        path: Path,
        query_seconds_max: float = QUERY_SECONDS_MAX,
        soon: Soon | None = None,
    ) -> None:
        """Open the file read-only; ``soon`` is the loop's, where one asks.

        Raises ``Refused`` where that cannot be.
        """
        self._connection = open_reader(path, query_seconds_max, FAMILY, mapped=True)
        self._reads = TurnReads(self._connection, soon)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def siblings(self, kpj: Kpj) -> tuple[Kpj, ...]:
        """Return every KPJ of the holder of ``kpj``: that one first, the others ascending.

        Empty for an unknown one.  Raises ``LedgerUnavailable``.
        """
        with translated("the ledger"):
            try:
                found = self._reads.rows(_SIBLINGS, (kpj.digits,))
            finally:
                self._reads.done()
            return tuple([Kpj(digits) for (digits,) in found])

    def account(self, kpj: Kpj, as_of: date) -> tuple[Participant, AccountHistory] | None:
        """Return the participant and what a statement as of ``as_of`` needs.

        ``None`` for an unknown KPJ.  Raises ``LedgerUnavailable``.
        """
        year = as_of.year
        with translated("the ledger"):
            try:
                found = self._reads.rows(_ACCOUNT, (kpj.digits, year))
                moved = (
                    self._reads.rows(_OF_THE_YEAR, (year, kpj.digits, as_of.isoformat()))
                    if found
                    else ()
                )
            finally:
                self._reads.done()
            return _account(kpj, year, found[0], moved) if found else None


def _account(
    kpj: Kpj, year: int, row: Sequence[Any], moved: Iterable[Sequence[Any]]
) -> tuple[Participant, AccountHistory]:
    """Make an account of its row and its year's postings.  Raises ``ValueError``."""
    person, name, segment, status, balance, count, since, count_since, earlier = row
    postings = tuple([
        Posting(date.fromisoformat(day), posting_kind(kind), Money(sen))
        for day, kind, sen in moved
    ])  # fmt: skip
    paid = sort_year(postings).last_contribution
    return Participant(kpj, person, name, Segment(segment), MemberStatus(status)), AccountHistory(
        year=year,
        opening=Money(balance - since),
        postings=postings,
        has_postings=bool(count - count_since or postings),
        last_contribution=paid or (date.fromisoformat(earlier) if earlier else None),
    )


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn what can go wrong with a file into ``LedgerUnavailable`` that quotes no row."""
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        raise LedgerUnavailable(f"{what} cannot be read: {name}") from None
    except ValueError:
        raise LedgerUnavailable(f"{what} holds a row that makes no sense") from None
