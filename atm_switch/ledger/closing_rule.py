"""What closing a year books on an account: computed once for the closing and for its proof.

Limits: whether a posting is the closing's own is told by its number, and by the caller.
"""

import itertools
from collections.abc import Iterable
from datetime import date
from typing import Final

from atm_switch.domain.accrual import Accrual
from atm_switch.domain.money import Money
from atm_switch.domain.posting import Posting, posting_kind, sort_year
from atm_switch.domain.unclosed import outstanding
from atm_switch.ledger.standing import is_of_last_day
from atm_switch.ledger.store import Row

OF_CLOSING: Final = f"{is_of_last_day('p')} AND p.import_id IS NULL AND p.reverses IS NULL"
"""A posting ``p`` that a closing booked, or the desk before it: no import, takes nothing back."""
POSTINGS: Final = """
SELECT kpj, posted_on, kind, amount_sen, seq, reverses, import_id FROM postings
WHERE year = ? AND kpj > ? AND kpj <= ? ORDER BY kpj, seq
"""
"""The postings of a year on accounts from one to another, that one left out."""


def by_account(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Gather rows of ``POSTINGS`` by their KPJ."""
    return {kpj: list(group) for kpj, group in itertools.groupby(rows, lambda row: row[0])}


class ClosingRule:
    """The rule of one year, by its rate and accrual."""

    def __init__(self, year: int, rate_millipercent: int, accrual: Accrual) -> None:
        """Make the rule."""
        self.last_day = date(year, 12, 31)
        self._rate = rate_millipercent
        self._accrual = accrual
        self._days: dict[str, date] = {}

    def earned(self, opening_sen: int, rows: Iterable[Row]) -> int | None:
        """Return what is booked on 31 December, in sen; ``None`` where nothing is.

        ``rows`` are of ``POSTINGS``, without what the closing itself booked.
        """
        days = self._days
        year = sort_year(
            [
                Posting(
                    days.setdefault(day, date.fromisoformat(day)), posting_kind(kind), Money(sen),
                    seq, reverses,
                )
                for _, day, kind, sen, seq, reverses, _ in rows
            ]
        )  # fmt: skip
        if year.developed:
            return None
        left = outstanding(Money(opening_sen), year, self.last_day, self._rate, self._accrual)
        return left.sen if left.sen or year.advanced else None
