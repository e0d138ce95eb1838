"""The JHT ledger on SQLite, read point by point in the event loop.

Plan: a read-only connection, each question an indexed look-up of microseconds, as many for a
long history as for a short one: the opening is the running total less what the year (and those
after it, where the statement is of an earlier day) has brought.  Those of one turn of the loop
are within one read transaction (``turn_reads.py``), so an import that ends meanwhile is seen
whole or not at all.  An error of the file, a row that makes no sense, or a query past its time
is ``LedgerUnavailable``: the corridor answers 91 then.  Writing is the import's
(``csv_import.py``), in other processes.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from atm_switch.adapters.schema import QUERY_SECONDS_MAX, open_reader
from atm_switch.adapters.turn_reads import Soon, TurnReads
from atm_switch.domain.errors import LedgerRowWrong, LedgerUnavailable
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import Participant, segment_of, status_of
from atm_switch.domain.money import Money
from atm_switch.domain.posting import Posting, last_contribution, posting_kind
from atm_switch.domain.statement import AccountHistory
from atm_switch.domain.unclosed import Unclosed
from atm_switch.ledger.standing import CLOSED, is_development, last_developed
from atm_switch.ledger.store_sqlite import FAMILY, LOOK_UP_KIBIBYTES

_SIBLINGS = """
SELECT other.kpj FROM participants AS mine
JOIN participants AS other ON other.person = mine.person AND other.merged_into IS NULL
WHERE mine.kpj = ? ORDER BY other.kpj <> mine.kpj, other.kpj
"""
_LISTED = """
SELECT group_concat(posting, ';') FROM (
    SELECT posted_on || ',' || kind || ',' || amount_sen || ',' || seq || ','
        || coalesce(reverses, '') AS posting
    FROM postings WHERE year {of_years} AND kpj = one.kpj ORDER BY posted_on, seq
)
"""
"""Postings of other years, of which there mostly are none, come as one text."""
_SINCE_SETTLED = """IN (
    SELECT year FROM year_totals AS before
    WHERE before.kpj = one.kpj AND before.year > since.year AND before.year < ?1
)"""
_UNCLOSED = f"""
SELECT since.year || ':' || coalesce(({_LISTED.format(of_years=_SINCE_SETTLED)}), '')
FROM (SELECT max({CLOSED}, {last_developed("one.kpj")}) AS year) AS since
"""  # noqa: S608 - constants
"""The last settled year, and the postings of those between it and the statement's."""
_BOOKS = f"""
one.balance_sen, one.first_posting, one.last_contribution, one.last_year,
    CASE WHEN {{shown}}.merged_into IS NULL AND NOT EXISTS (
        SELECT 1 FROM closed_years WHERE year >= ?1 - 1 AND next_kpj IS NULL
    ) AND NOT EXISTS (
        SELECT 1 FROM postings AS earned
        WHERE year = ?1 - 1 AND kpj = one.kpj AND {is_development("earned")}
    ) THEN ({_UNCLOSED}) END
"""  # noqa: S608 - constants
"""What is asked of an account; ``shown`` is whose statement it is for.  Where the year before is
settled, as it mostly is, nothing of earlier years is looked up."""
_ACCOUNT = f"""
SELECT person, name, segment, status,
    CASE WHEN one.merged_into IS NULL THEN (
        SELECT count(*) FROM participants AS other
        WHERE other.person = one.person AND other.merged_into IS NULL
    ) ELSE 0 END,
    EXISTS (SELECT 1 FROM participants AS gone WHERE gone.merged_into = ?2),
    {_BOOKS.format(shown="one")}
FROM participants AS one WHERE one.kpj = ?2
"""  # noqa: S608 - constants
_MERGED = f"""
SELECT one.kpj, one.merged_on <= ?3, {_BOOKS.format(shown="kept")}
FROM participants AS kept JOIN participants AS one ON one.merged_into = kept.kpj
WHERE kept.kpj = ?2
"""  # noqa: S608 - constants
_POSTED = """
SELECT posted_on, seq, kind, amount_sen, reverses FROM postings WHERE year = ? AND kpj = ?
"""
"""The year's postings, in the order of their numbers.

Why rows, and not one text with the account: to write a text and cut it takes twice as long."""
_SINCE = """
SELECT sum(contributions_sen + adjustments_sen + development_sen + claims_sen)
FROM year_totals WHERE kpj = ? AND year >= ?
"""
_PAID_BEFORE = "SELECT max(last_contribution) FROM year_totals WHERE kpj = ? AND year < ?"

DAYS_KEPT = 16
"""Days of statements at hand: nearly all are of today."""
AMOUNTS_KEPT = 1024
"""Amounts at hand: a member mostly pays the same one each month."""
_money = lru_cache(AMOUNTS_KEPT)(Money)


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
        self._connection = open_reader(
            path, query_seconds_max, FAMILY, cache_kibibytes=LOOK_UP_KIBIBYTES
        )
        self.reads = TurnReads(self._connection, soon)
        """For a registry that is asked as of the same moments."""

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def siblings(self, kpj: Kpj) -> tuple[Kpj, ...]:
        """Return every KPJ of the holder of ``kpj``: that one first, the others ascending.

        Empty for an unknown one.  Raises ``LedgerUnavailable``.
        """
        with translated("the ledger"):
            try:
                found = self.reads.rows(_SIBLINGS, (kpj.digits,))
            finally:
                self.reads.done()
            return tuple([Kpj(digits) for (digits,) in found])

    def account(self, kpj: Kpj, as_of: date) -> tuple[Participant, AccountHistory] | None:
        """Return the participant and what a statement as of ``as_of`` needs.

        ``None`` for an unknown KPJ.  Raises ``LedgerUnavailable``.
        """
        with translated("the ledger"):
            try:
                return self._account(kpj, as_of)
            finally:
                self.reads.done()

    def _account(self, kpj: Kpj, as_of: date) -> tuple[Participant, AccountHistory] | None:
        year, digits, ask = as_of.year, kpj.digits, self.reads.rows
        asked = (year, digits)
        found = ask(_ACCOUNT, asked)
        if not found:
            return None
        person, name, segment, status, count, has_merged, *books = found[0]
        participant = Participant(kpj, person, name, segment_of(segment), status_of(status), count)
        history = self._history(digits, as_of, books)
        if has_merged:
            gone = ask(_MERGED, (*asked, as_of.isoformat()))
            history = replace(history, merged=tuple(self._merged(row, as_of) for row in gone))
        return participant, history

    def _merged(self, row: Sequence[Any], as_of: date) -> AccountHistory:
        digits, has_joined, *books = row
        history = self._history(digits, as_of, books)
        return history if has_joined else replace(history, last_contribution=None)

    def _history(self, digits: str, as_of: date, books: Sequence[Any]) -> AccountHistory:
        balance, first, last, last_year, before = books
        year, ask = as_of.year, self.reads.rows
        january, until = _days_of(as_of)
        rows: list[_Row] = []
        since = 0
        if last_year is not None and last_year >= year:
            rows = ask(_POSTED, (year, digits))
            rows.sort()  # by day and number, which differs
            if last_year == year:
                since = sum([row[3] for row in rows])
            else:
                ((since,),) = ask(_SINCE, (digits, year))
        postings = _posted(rows, until)
        paid = last_contribution(postings)
        if paid is None and last is not None:
            if last >= january:  # a later one: what was paid before is asked for by itself
                ((last,),) = ask(_PAID_BEFORE, (digits, year))
            paid = None if last is None else date.fromisoformat(last)
        return AccountHistory(  # by place: by name it takes twice as long
            year,
            Money(balance - since),
            postings,
            bool(postings) or (first is not None and first < january),
            paid,
            None if before is None else _unclosed(before, year),
        )


@lru_cache(DAYS_KEPT)
def _days_of(as_of: date) -> tuple[str, str]:
    """Return 1 January and the day itself, as the file has them."""
    return f"{as_of.year:04}-01-01", as_of.isoformat()


_Row = tuple[str, int, str, int, int | None]
"""Day, number, kind, sen, what it reverses."""


def _posted(rows: list[_Row], until: str) -> tuple[Posting, ...]:
    """Make the postings of rows in order of day, up to one: column by column, as is faster."""
    if rows and rows[-1][0] > until:
        rows = [row for row in rows if row[0] <= until]
    if not rows:
        return ()
    days, numbers, kinds, sens, reverses = zip(*rows, strict=True)
    dated, named = map(date.fromisoformat, days), map(posting_kind, kinds)
    return tuple(map(Posting, dated, named, map(_money, sens), numbers, reverses))


def _unclosed(told: str, year: int) -> Unclosed | None:
    settled, _, listed = told.partition(":")
    if int(settled) >= year - 1:
        return None
    return Unclosed(int(settled), _posted(_postings_of(listed), f"{year - 1:04}-12-31"))


def _postings_of(listed: str) -> list[_Row]:
    """Cut postings out of their text."""
    cut = [posting.split(",") for posting in listed.split(";")] if listed else []
    return [
        (day, int(number), kind, int(sen), int(reverses) if reverses else None)
        for day, kind, sen, number, reverses in cut
    ]


class translated:  # noqa: N801 - used like a function
    """Turn what can go wrong with a file into ``LedgerUnavailable`` that quotes no row.

    Why no generator: entered three times an inquiry, and it takes four times as long.
    """

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        """Name what is read."""
        self._what = what

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Translate."""
        if isinstance(error, sqlite3.Error):
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            raise LedgerUnavailable(f"{self._what} cannot be read: {name}") from None
        if isinstance(error, ValueError):
            raise LedgerRowWrong(f"{self._what} holds a row that makes no sense") from None
