"""The passes an import makes over its staged rows, and what a row costs in each.

Why: a pass is one statement of the database, a few at most, and tells nothing before its end;
so the time left goes by the passes that are done, and by what a row of the others costs
beside theirs.
Limits: the costs are of one machine, which had other work, and of a nation's files; only
their ratios count.
"""

from dataclasses import dataclass
from enum import Enum, unique
from types import MappingProxyType
from typing import Final


@unique
class Phase(Enum):
    """What an import is at; the value is the word a person reads."""

    READING = "reading"
    CHECKING = "checking"
    BOOKING = "booking"


@unique
class Step(Enum):
    """What a pass does."""

    OTHERS_KPJ = "participants of a KPJ that is somebody else's"
    STATUS = "a status that is not to be expected"
    SET_PARTICIPANTS = "participants into their table"
    CLOSED = "postings of closed years"
    FOR_NOBODY = "postings of no participant"
    DEVELOPED_BEFORE = "developments that are booked already"
    BOOKED_BEFORE = "copies of what is booked"
    LATE = "postings of developed years"
    IN_AN_EARLIER_FILE = "copies in another file"
    YEARS = "developments of a year, what is left on accounts"
    CARDS = "cards of no participant"
    SET_ASIDE = "bad rows into their file"
    LINK = "cards into their table"
    POSTINGS = "postings into their table"
    YEAR_TOTALS = "the totals of years"
    ACCOUNTS = "the totals of accounts"
    ANALYZE = "what PostgreSQL knows of its tables"
    BIRTHS = "birth dates of one person"
    PAID_AFTER = "contributions after a claim"
    COMMIT = "the commit"


@dataclass(frozen=True, slots=True)
class Pass:
    """A pass of a phase over so many rows, which ``cost`` nanoseconds each.

    A cost of 0 is one that does not go by the rows of the files: the pass counts for nothing.
    """

    phase: Phase
    step: Step
    rows: int
    cost: int

    @property
    def work(self) -> int:
        """What all of it costs, in nanoseconds of the machine the costs are of."""
        return self.rows * self.cost


_COSTS: Final = MappingProxyType(
    {
        Step.OTHERS_KPJ: (2_791, 2_150),
        Step.STATUS: (1_089, 1_764),
        Step.SET_PARTICIPANTS: (34_294, 26_638),
        Step.CLOSED: (242, 207),
        Step.FOR_NOBODY: (1_324, 452),
        Step.DEVELOPED_BEFORE: (748, 1_925),
        Step.BOOKED_BEFORE: (1_298, 8_273),
        Step.LATE: (3_528, 2_132),
        Step.IN_AN_EARLIER_FILE: (5_311, 2_010),
        Step.YEARS: (5_092, 1_796),
        Step.CARDS: (4_111, 2_855),
        Step.LINK: (70_003, 1_563_503),
        Step.POSTINGS: (12_081, 14_774),
        Step.YEAR_TOTALS: (6_755, 6_555),
        Step.ACCOUNTS: (3_350, 2_304),
        Step.BIRTHS: (5_570, 7_162),
        Step.COMMIT: (3_520, 1_825),
    }
)
"""Nanoseconds a row on SQLite and on PostgreSQL: ``tests.figures.import_passes``, 20,000 members.

Not there: what goes by bad rows, or by what the ledger holds.
"""


def pass_over(phase: Phase, step: Step, rows: int, *, is_postgres: bool) -> Pass:
    """Return the pass of ``step`` over so many rows of its kind."""
    return Pass(phase, step, rows, _COSTS.get(step, (0, 0))[is_postgres])
