"""The JHT ledger on SQLite, read point by point in the event loop.

Plan: a read-only connection, each question a few indexed look-ups of microseconds, as many
for a long history as for a short one: the opening is the running total less what the years
since have brought.  Those of one account within one read transaction, so that an import
that ends meanwhile is seen whole or not at all.  An error of the file, a row that makes no
sense, or a query past its time is ``LedgerUnavailable``: the corridor answers 91 then.
Writing is the import's
(``csv_import.py``), in other processes.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

from atm_switch.adapters.schema import QUERY_SECONDS_MAX, open_reader
from atm_switch.domain.errors import LedgerUnavailable
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import MemberStatus, Participant, Segment
from atm_switch.domain.money import Money
from atm_switch.domain.statement import AccountHistory, Posting, PostingKind, sort_year
from atm_switch.ledger.store_sqlite import FAMILY

_SIBLINGS = """
SELECT other.kpj FROM participants AS mine
JOIN participants AS other ON other.person = mine.person AND other.merged_into IS NULL
WHERE mine.kpj = ? ORDER BY other.kpj <> mine.kpj, other.kpj
"""
_PARTICIPANT = """
SELECT person, name, segment, status, coalesce(balance_sen, 0), coalesce(postings, 0)
FROM participants LEFT JOIN account_totals USING (kpj) WHERE kpj = ?
"""
_SINCE_NEW_YEAR = """
SELECT coalesce(sum(contributions_sen + adjustments_sen + development_sen + claims_sen), 0),
       coalesce(sum(postings), 0)
FROM year_totals WHERE kpj = ? AND year >= ?
"""
_EARLIER_CONTRIBUTION = """
SELECT last_contribution FROM year_totals
WHERE kpj = ? AND year < ? AND last_contribution IS NOT NULL ORDER BY year DESC LIMIT 1
"""
_OF_THE_YEAR = """
SELECT posted_on, kind, amount_sen FROM postings
WHERE year = ? AND kpj = ? AND posted_on <= ? ORDER BY posted_on, seq
"""


class SqliteLedger:
    """Answers ``FindSiblings`` and ``FindAccount``."""

    def __init__(self, path: Path, query_seconds_max: float = QUERY_SECONDS_MAX) -> None:
        """Open the file read-only.  Raises ``Refused`` where that cannot be."""
        self._connection = open_reader(path, query_seconds_max, FAMILY)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def siblings(self, kpj: Kpj) -> tuple[Kpj, ...]:
        """Return every KPJ of the holder of ``kpj``: that one first, the others ascending.

        Empty for an unknown one.  Raises ``LedgerUnavailable``.
        """
        with translated("the ledger"):
            return tuple(Kpj(digits) for (digits,) in self._rows(_SIBLINGS, kpj.digits))

    def account(self, kpj: Kpj, as_of: date) -> tuple[Participant, AccountHistory] | None:
        """Return the participant and what a statement as of ``as_of`` needs.

        ``None`` for an unknown KPJ.  Raises ``LedgerUnavailable``.
        """
        with translated("the ledger"), self._snapshot():
            found = self._rows(_PARTICIPANT, kpj.digits)
            if not found:
                return None
            person, name, segment, status, balance, count = found[0]
            participant = Participant(kpj, person, name, Segment(segment), MemberStatus(status))
            return participant, self._history(kpj, as_of, Money(balance), count)

    def _history(self, kpj: Kpj, as_of: date, balance: Money, count: int) -> AccountHistory:
        year = as_of.year
        since, count_since = self._rows(_SINCE_NEW_YEAR, kpj.digits, year)[0]
        postings = tuple(
            Posting(date.fromisoformat(day), PostingKind(kind), Money(sen))
            for day, kind, sen in self._rows(_OF_THE_YEAR, year, kpj.digits, as_of.isoformat())
        )
        return AccountHistory(
            year=year,
            opening=balance - Money(since),
            postings=postings,
            has_postings=bool(count - count_since or postings),
            last_contribution=sort_year(postings).last_contribution
            or self._earlier_contribution(kpj, year),
        )

    def _earlier_contribution(self, kpj: Kpj, year: int) -> date | None:
        found = self._rows(_EARLIER_CONTRIBUTION, kpj.digits, year)
        return date.fromisoformat(found[0][0]) if found else None

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            with suppress(sqlite3.Error):  # an interrupted question may have ended it
                self._connection.execute("ROLLBACK")

    def _rows(self, query: str, *values: str | int) -> list[Any]:
        return self._connection.execute(query, values).fetchall()


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
