"""Daily reconciliation: how an acquirer's requests of one business date ended.

Plan: one grouped SELECT over the B rows, one count of A without B, and a pure value that
writes itself as CSV.  The bank lays it beside its own count by DE39.
Limits: every B row counts once; a repeat that was answered from the journal has no row.
A request in doubt that was then processed anew shows under its outcome and, by its first
A, in doubt as well, whether that A was given its ending (``journal_doubts``) or not yet; a
request still under way shows in doubt.
"""

import csv
import io
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, Self

from atm_switch.domain.outcome import IN_DOUBT

CSV_HEADING: Final = ("business_date", "acquirer", "outcome", "response_code", "count")

_BY_OUTCOME: Final = (
    "SELECT outcome, response_code, count(*) FROM journal_rows"
    " WHERE acquirer = ? AND business_date = ? AND kind = 'B'"
    " GROUP BY outcome, response_code ORDER BY response_code, outcome"
)
_IN_DOUBT: Final = (
    "SELECT count(*) FROM journal_rows WHERE acquirer = ? AND business_date = ? AND kind = 'A'"
    " AND NOT EXISTS (SELECT 1 FROM journal_rows AS ending WHERE ending.ref = journal_rows.seq)"
)


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    """How many requests ended so; ``response_code`` is DE39."""

    outcome: str
    response_code: str
    count: int


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One acquirer's business date, counts ordered by DE39."""

    acquirer: str
    business_date: date
    counts: tuple[OutcomeCount, ...]
    in_doubt: int

    @classmethod
    def of(
        cls, acquirer: str, business_date: date, counts: Iterable[OutcomeCount], unended: int
    ) -> Self:
        """Add up what was counted by ending, and how many A have none."""
        told = tuple(counts)
        answered = tuple(one for one in told if one.outcome != IN_DOUBT)
        ended = sum(one.count for one in told if one.outcome == IN_DOUBT)
        return cls(acquirer, business_date, answered, ended + unended)

    @property
    def answered(self) -> int:
        """How many requests ended in any way."""
        return sum(one.count for one in self.counts)

    def csv(self) -> str:
        """Write as CSV with a heading; the last line counts what is in doubt."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(CSV_HEADING)
        of_day = (self.business_date.isoformat(), self.acquirer)
        for one in (*self.counts, OutcomeCount(IN_DOUBT, "", self.in_doubt)):
            writer.writerow((*of_day, one.outcome, one.response_code, one.count))
        return text.getvalue()


def reconcile(connection: sqlite3.Connection, acquirer: str, business_date: date) -> Reconciliation:
    """Count an acquirer's business date.  Raises ``sqlite3.Error``."""
    of_day = (acquirer, business_date.isoformat())
    counts = connection.execute(_BY_OUTCOME, of_day).fetchall()
    in_doubt = connection.execute(_IN_DOUBT, of_day).fetchall()
    return Reconciliation.of(
        acquirer, business_date, (OutcomeCount(*one) for one in counts), int(in_doubt[0][0])
    )
