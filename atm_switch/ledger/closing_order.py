"""Which year may be closed, and whom the closed years before it forgot.

Plan: years are closed in order, from the first in which money stood, each whether anything was
posted in it or not.  Not closed here, an earlier year counts as closed where any development of
31 December is booked, as it comes with imported histories; and no year is closed that a later
one so developed rests on.
Limits: SQL both databases understand.  An account a history was paid into and that has no
development stops the closing; one that only held money then is told of, for the source may
have had its reasons.
"""

from dataclasses import dataclass
from typing import Final

from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import Kpj
from atm_switch.ledger.open_years import last_closed
from atm_switch.ledger.standing import is_development, stands
from atm_switch.ledger.store import Store

EARNS_SEN: Final = 1_000_000
"""A payment of which the least rate of a month is more than nothing."""

_LATER: Final = "SELECT min(year) FROM closed_years WHERE year > ?"
_DEVELOPMENT: Final = is_development("earned")
_FIRST: Final = "SELECT min(year) FROM postings"
# No account ends a day below zero, so that the sum of all is nothing where each holds nothing.
_MOVED: Final = """
SELECT year, CAST(sum(contributions_sen + adjustments_sen + development_sen + claims_sen) AS BIGINT)
FROM year_totals WHERE year < ? GROUP BY year
"""
_HAS_POSTING: Final = f"""
SELECT 1 FROM postings AS one WHERE one.year = ? AND {stands("one")} LIMIT 1
"""  # noqa: S608 - a constant
_IS_DEVELOPED: Final = f"""
SELECT 1 FROM postings AS earned WHERE earned.year = ? AND {_DEVELOPMENT} LIMIT 1
"""  # noqa: S608 - a constant
# Where an imported history leaves an account out that was paid into.  Whoever claimed or handed
# over may have earned nothing; for who did not, 0.00 says so.
_LEFT_OUT: Final = f"""
SELECT min(year) FROM year_totals AS paid
WHERE year < ? AND year > (SELECT coalesce(max(year), 0) FROM closed_years WHERE year < ?)
  AND contributions_sen >= {EARNS_SEN} AND claims_sen = 0 AND adjustments_sen >= 0
  AND development_sen = 0
  AND NOT EXISTS (
      SELECT 1 FROM postings AS earned
      WHERE earned.year = paid.year AND earned.kpj = paid.kpj AND earned.kind = 'development'
  )
"""  # noqa: S608 - a constant
_DEVELOPED_LATER: Final = f"""
SELECT earned.year FROM postings AS earned WHERE earned.year > ? AND {_DEVELOPMENT} LIMIT 1
"""  # noqa: S608 - a constant
# Years with no posting of an account lie between two of its rows, or behind the last.
_FORGOTTEN: Final = f"""
WITH RECURSIVE years AS (
    SELECT (SELECT coalesce(max(year) + 1, (SELECT min(year) FROM year_totals))
            FROM closed_years WHERE year < ?) AS year
    UNION ALL SELECT year + 1 FROM years WHERE year < CAST(? AS BIGINT) - 1
), developed AS (
    SELECT year FROM years
    WHERE year < ?
      AND EXISTS (
          SELECT 1 FROM postings AS earned WHERE earned.year = years.year AND {_DEVELOPMENT}
      )
), held AS (
    SELECT kpj, year, development_sen, claims_sen, adjustments_sen,
           contributions_sen + adjustments_sen + development_sen + claims_sen AS moved,
           sum(contributions_sen + adjustments_sen + development_sen + claims_sen)
               OVER (PARTITION BY kpj ORDER BY year) AS closing,
           lead(year) OVER (PARTITION BY kpj ORDER BY year) AS next
    FROM year_totals WHERE year < ?
), forgotten AS (
    SELECT developed.year, held.kpj FROM held JOIN developed
      ON developed.year > held.year AND developed.year < coalesce(held.next, ?)
    WHERE held.closing >= {EARNS_SEN}
    UNION ALL
    SELECT held.year, held.kpj FROM held JOIN developed ON developed.year = held.year
    WHERE held.closing - held.moved >= {EARNS_SEN} AND development_sen = 0 AND claims_sen = 0
      AND adjustments_sen >= 0
      AND NOT EXISTS (
          SELECT 1 FROM postings AS earned
          WHERE earned.year = held.year AND earned.kpj = held.kpj AND earned.kind = 'development'
      )
)
SELECT year, count(*), min(kpj) FROM forgotten GROUP BY year ORDER BY year
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A year in which so many accounts held money and earned nothing; ``first`` is one of them."""

    year: int
    accounts: int
    first: Kpj


def require_order(store: Store, year: int) -> None:
    """Raise ``Refused`` where ``year`` may not be closed: out of order, or rested on."""
    (later,) = store.rows(_LATER, (year,))[0]
    if later is not None:
        raise Refused(f"{later} was closed already, and rests on {year} as it is")
    (first,) = store.rows(_FIRST)[0]
    if first is None or first > year:
        raise Refused(
            f"nothing was booked up to {year}, so there is nothing to close; import the histories"
            " first: a closed year takes none"
        )
    for (developed,) in store.rows(_DEVELOPED_LATER, (year,)):
        raise Refused(
            f"the development of {developed} is booked, and rests on {year} as it is; import the"
            f" development {year} lacks instead"
        )
    if store.rows("SELECT 1 FROM closed_years WHERE next_kpj IS NOT NULL"):
        raise Refused("the closing of an earlier year was interrupted; finish that one first")
    earlier = _first_open(store, year)
    if earlier is not None:
        raise Refused(
            f"money stood in {earlier}, which has no development; close that year first, or take"
            " back what was posted there by mistake (atm-switch ledger reverse)"
        )
    (left_out,) = store.rows(_LEFT_OUT, (year, year))[0]
    if left_out is not None:
        raise Refused(
            f"{left_out} has accounts that were paid into and have no development; close that"
            " year first, or import what it lacks"
        )


def forgotten_before(store: Store, year: int) -> tuple[Forgotten, ...]:
    """Return the years before ``year``, not closed here, whose development left accounts out.

    Such as held Rp 10,000 or more on 1 January, nothing was taken from, and no development
    was booked for, not even of 0.00.  Raises ``Refused``.
    """
    rows = store.rows(_FORGOTTEN, (year, year, year, year, year))
    return tuple(Forgotten(one, count, Kpj(first)) for one, count, first in rows)


def _first_open(store: Store, year: int) -> int | None:
    """Return the first year before ``year`` that is still to be closed, if there is one.

    Money stood in it, be it that only of years before, and nobody has its development.
    """
    closed = last_closed(store)
    if closed >= year - 1:
        return None
    moved: dict[int, int] = dict(store.rows(_MOVED, (year,)))
    held = 0
    for one in range(min(moved, default=year), year):
        stood = held or (one in moved and store.rows(_HAS_POSTING, (one,)))
        if one > closed and stood and not store.rows(_IS_DEVELOPED, (one,)):
            return one
        held += moved.get(one, 0)
    return None
