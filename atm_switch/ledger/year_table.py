"""What each year brought an account: the rows of a statement for people.

Plan: earlier years from the maintained ``year_totals``, the year of the statement from the
statement itself, whose estimate no total holds.  Each year opens with what the one before
closed with; one without postings stands between the others with zeros, as does one in which
all was taken back.  What years not closed yet will bring is within them, as an estimate.
Limits: SQL both databases understand.  What takes back postings of a closed year counts
with its kind in the year it was booked; in the year of the statement, whose opening it puts
right, among the adjustments, and so does what is booked between reading the two.
"""

from dataclasses import dataclass
from typing import Final

from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.money import ZERO, Money
from atm_switch.domain.statement import Statement
from atm_switch.domain.unclosed import OpenYear
from atm_switch.ledger.store import Store

_EARLIER: Final = """
SELECT year, contributions_sen, adjustments_sen, development_sen, claims_sen
FROM year_totals WHERE kpj = ? AND year < ?
  AND (contributions_sen <> 0 OR adjustments_sen <> 0 OR development_sen <> 0 OR claims_sen <> 0)
"""
_NOTHING: Final = (ZERO, ZERO, ZERO, ZERO)
_ADJUSTED: Final = """
SELECT CAST(coalesce(sum(amount_sen), 0) AS BIGINT) FROM postings AS one
WHERE year = ? AND kpj = ? AND kind = 'adjustment' AND posted_on <= ? AND reverses IS NULL
  AND NOT EXISTS (
      SELECT 1 FROM postings AS other WHERE other.reverses = one.seq AND other.year = one.year
  )
"""


@dataclass(frozen=True, slots=True)
class YearRow:
    """One year of an account; ``claims`` positive, ``adjustments`` signed."""

    year: int
    opening: Money
    contributions: Money
    adjustments: Money
    development: Money
    claims: Money
    is_estimate: bool = False
    """Whether the development is estimated and not booked."""
    adjustments_hold_estimate: bool = False
    """Whether what merged accounts will hand over, once the year before is closed, is in them."""

    @property
    def closing(self) -> Money:
        """What the year ended with, or stands at."""
        paid = self.contributions + self.adjustments
        return self.opening + paid + self.development - self.claims


def years_of(store: Store, kpj: Kpj, statement: Statement) -> tuple[YearRow, ...]:
    """Return the years up to that of ``statement``, oldest first, without a gap.

    The last one closes as the statement does.  Raises ``Refused``.
    """
    year = statement.as_of.year
    with store.snapshot():
        earlier = store.rows(_EARLIER, (kpj.digits, year))
        (adjusted,) = store.rows(_ADJUSTED, (year, kpj.digits, statement.as_of.isoformat()))[0]
    booked = {one: tuple(map(Money, amounts)) for one, *amounts in earlier}
    estimated = {one.year: one for one in statement.open_years}
    rows: list[YearRow] = []
    opening = ZERO
    for one in range(min((*booked, *estimated), default=year), year):
        contributions, adjustments, development, claims = booked.get(one, _NOTHING)
        coming = estimated.get(one, OpenYear(one, ZERO))
        rows.append(
            YearRow(
                one,
                opening,
                contributions,
                adjustments + coming.taken_over,
                development + coming.development,
                -claims,
                is_estimate=bool(coming.development.sen or coming.taken_over.sen),
                adjustments_hold_estimate=bool(coming.taken_over.sen),
            )
        )
        opening = rows[-1].closing
    return (*rows, _running(statement, opening, Money(adjusted) + statement.handed_over))


def fold_years(rows: tuple[YearRow, ...], count: int) -> tuple[YearRow, ...]:
    """Return at most ``count`` rows: the oldest years, too many to show, as one row.

    That row bears the last of its years.  ``count`` is positive.
    """
    if len(rows) <= count:
        return rows
    old, kept = rows[: len(rows) - count + 1], rows[len(rows) - count + 1 :]
    folded = YearRow(
        year=old[-1].year,
        opening=old[0].opening,
        contributions=sum((one.contributions for one in old), start=ZERO),
        adjustments=sum((one.adjustments for one in old), start=ZERO),
        development=sum((one.development for one in old), start=ZERO),
        claims=sum((one.claims for one in old), start=ZERO),
        is_estimate=old[-1].is_estimate,
        adjustments_hold_estimate=any(one.adjustments_hold_estimate for one in old),
    )
    return (folded, *kept)


def _running(statement: Statement, opening: Money, adjusted: Money) -> YearRow:
    put_right = statement.opening - opening
    return YearRow(
        year=statement.as_of.year,
        opening=opening,
        contributions=statement.contributions - adjusted,
        adjustments=adjusted + put_right,
        development=statement.development,
        claims=statement.claims,
        is_estimate=statement.is_estimate,
        adjustments_hold_estimate=bool(statement.handed_over.sen),
    )
