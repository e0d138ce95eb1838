"""The JHT ledger on SQLite, read point by point in the event loop.

Plan: a read-only connection, each question one to three indexed look-ups of microseconds;
those of one account within one read transaction, so that an import that ends meanwhile is
seen whole or not at all.  An error of the file, a row that makes no sense, or a query past
its time is ``LedgerUnavailable``: the corridor answers 91 then.  Writing is the import's
(``csv_import.py``), in other processes.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any, Final

from atm_switch.adapters.schema import QUERY_SECONDS_MAX, open_reader
from atm_switch.domain.errors import LedgerUnavailable
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import MemberStatus, Participant, Segment
from atm_switch.domain.money import Money
from atm_switch.domain.statement import AccountHistory, Posting, PostingKind

FAMILY: Final = "ledger"
"""The migrations of the ledger's file, which holds the registry too."""

_SIBLINGS = """
SELECT other.kpj FROM participants AS mine
JOIN participants AS other ON other.person = mine.person
WHERE mine.kpj = ? ORDER BY other.kpj <> mine.kpj, other.kpj
"""
_PARTICIPANT = "SELECT person, name, segment, status FROM participants WHERE kpj = ?"
_OPENING = """
SELECT count(*), coalesce(sum(amount_sen), 0),
       max(posted_on) FILTER (WHERE kind = 'contribution')
FROM postings WHERE kpj = ? AND posted_on < ?
"""
_OF_THE_YEAR = """
SELECT posted_on, kind, amount_sen FROM postings
WHERE kpj = ? AND posted_on >= ? AND posted_on <= ? ORDER BY posted_on, id
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
            person, name, segment, status = found[0]
            participant = Participant(kpj, person, name, Segment(segment), MemberStatus(status))
            return participant, self._history(kpj, as_of)

    def _history(self, kpj: Kpj, as_of: date) -> AccountHistory:
        new_year = date(as_of.year, 1, 1).isoformat()
        count, opening, before = self._rows(_OPENING, kpj.digits, new_year)[0]
        postings = tuple(
            Posting(date.fromisoformat(day), PostingKind(kind), Money(sen))
            for day, kind, sen in self._rows(_OF_THE_YEAR, kpj.digits, new_year, as_of.isoformat())
        )
        paid = [p.posted_on for p in postings if p.kind is PostingKind.CONTRIBUTION]
        earlier = date.fromisoformat(before) if before else None
        return AccountHistory(
            year=as_of.year,
            opening=Money(opening),
            postings=postings,
            has_postings=bool(count or postings),
            last_contribution=paid[-1] if paid else earlier,
        )

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            with suppress(sqlite3.Error):  # an interrupted question may have ended it
                self._connection.execute("ROLLBACK")

    def _rows(self, query: str, *values: str) -> list[Any]:
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
