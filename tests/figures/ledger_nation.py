"""The nations that ``ledger_bench`` measures with."""

from dataclasses import dataclass
from datetime import date

from atm_switch.ledger.nation_people import Span

SEED = 1
OTHERS = 2
"""The seed of a nation none of whose accounts is one of the first 1,000 of ``SEED``."""
UNTIL = date(2025, 12, 31)
"""The last day that is booked; the year is closed by a stage of its own."""
OPENED = date(2026, 1, 31)
"""The last day of those that have their opening balance and one month."""


@dataclass(frozen=True, slots=True)
class Nation:
    """So many members, of whom 20 years are booked, or the opening balance and one month.

    Another ``seed`` is other members: what ``OTHERS`` are of can be imported beside them.
    """

    members: int
    has_openings_only: bool = False
    seed: int = SEED

    def __str__(self) -> str:
        """Name it in the table."""
        others = " others" if self.seed != SEED else ""
        return f"{self.members:,}{' openings' if self.has_openings_only else ''}{others}"

    @property
    def stem(self) -> str:
        """Part of its files' names."""
        others = f"-seed-{self.seed}" if self.seed != SEED else ""
        return f"{self.members}{'-openings' if self.has_openings_only else ''}{others}"

    @property
    def span(self) -> Span:
        """What is booked; the last 2 of 20 years month by month."""
        return Span(1, OPENED, 1) if self.has_openings_only else Span(20, UNTIL, 2)

    @property
    def as_of(self) -> date:
        """The day of its statements: the year that runs has postings."""
        return self.span.until
