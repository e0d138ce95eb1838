"""Daily reconciliation: how an acquirer's requests of one business date ended.

Plan: one grouped SELECT over the B rows, one count of A without B, and a pure value that
writes itself as CSV or JSON.  The bank lays it beside its own count by DE39.  What a B says
that its terminal was never told (``untold_rows``) is no part of these counts: it stands in
lines of its own, by why and DE39.
Limits: every B row counts once; a repeat that was answered from the journal has no row, and
makes its first's answer a told one.  An answer that was cut off by a kill between its row and
the note that it was not told counts as told: it is one of the node's last before its next start.
A request in doubt that was then processed anew shows under its outcome and, by its first
A, in doubt as well, whether that A was given its ending (``journal_doubts``) or not yet; a
request still under way shows in doubt.
"""

import csv
import io
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final, Self

from atm_switch.adapters.untold_rows import COUNTS
from atm_switch.domain.outcome import IN_DOUBT

CSV_HEADING: Final = ("business_date", "acquirer", "outcome", "response_code", "count")

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
class UntoldCount:
    """Of how many requests the answer ``response_code`` (DE39) was not told, and why."""

    why: str
    response_code: str
    count: int


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One acquirer's business date, counts ordered by DE39; ``counts`` are answers told."""

    acquirer: str
    business_date: date
    counts: tuple[OutcomeCount, ...]
    in_doubt: int
    untold: tuple[UntoldCount, ...] = ()

    @classmethod
    def of(
        cls, acquirer: str, business_date: date, counts: Iterable[tuple[Any, ...]], unended: int
    ) -> Self:
        """Add up the rows of ``COUNTS``, and how many A have no ending."""
        told: list[OutcomeCount] = []
        untold: Counter[tuple[str, str]] = Counter()
        in_doubt = unended
        for outcome, code, why, count in counts:
            if outcome == IN_DOUBT:
                in_doubt += count
            elif why is not None:
                untold[why, code] += count
            else:
                told.append(OutcomeCount(outcome, code, count))
        kept = tuple(UntoldCount(*by, count) for by, count in sorted(untold.items()))
        return cls(acquirer, business_date, tuple(told), in_doubt, kept)

    @property
    def answered(self) -> int:
        """How many requests ended in any way and were told so."""
        return sum(one.count for one in self.counts)

    @property
    def not_told(self) -> int:
        """How many requests ended in a way their terminal was not told."""
        return sum(one.count for one in self.untold)

    def json(self) -> str:
        """Write as one line of JSON."""
        told = {
            "business_date": self.business_date.isoformat(),
            "acquirer": self.acquirer,
            "counts": [asdict(one) for one in self.counts],
            "untold": [asdict(one) for one in self.untold],
            "answered": self.answered,
            "not_told": self.not_told,
            "in_doubt": self.in_doubt,
        }
        return json.dumps(told) + "\n"

    def csv(self) -> str:
        """Write as CSV with a heading; behind the answers what was not told, then the doubts."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(CSV_HEADING)
        of_day = (self.business_date.isoformat(), self.acquirer)
        untold = (OutcomeCount(one.why, one.response_code, one.count) for one in self.untold)
        for one in (*self.counts, *untold, OutcomeCount(IN_DOUBT, "", self.in_doubt)):
            writer.writerow((*of_day, one.outcome, one.response_code, one.count))
        return text.getvalue()


def reconcile(connection: sqlite3.Connection, acquirer: str, business_date: date) -> Reconciliation:
    """Count an acquirer's business date.  Raises ``sqlite3.Error``."""
    of_day = (acquirer, business_date.isoformat())
    counts = connection.execute(COUNTS, of_day).fetchall()
    in_doubt = connection.execute(_IN_DOUBT, of_day).fetchall()
    return Reconciliation.of(acquirer, business_date, counts, int(in_doubt[0][0]))
