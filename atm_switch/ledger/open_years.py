"""Which years still take postings, and whose turn it is to book.

Plan: a year is closed to postings from the moment its closing begins, and so is every
year before it, for their development rests on what was booked by then.
Limits: ask within the transaction that books, after ``take_turn``: whoever books holds
the row of the last posting's number until the end, so what is seen stays true.
"""

from typing import Final

from atm_switch.domain.identifiers import Kpj
from atm_switch.ledger.standing import is_development, last_developed
from atm_switch.ledger.store import Store

_LAST_DEVELOPED: Final = f"""
SELECT {last_developed("mine.kpj")} FROM participants AS mine WHERE mine.kpj = ?
"""  # noqa: S608 - a constant
_IS_DEVELOPED: Final = f"""
SELECT 1 FROM postings AS earned
WHERE earned.year = ? AND earned.kpj = ? AND {is_development("earned")} LIMIT 1
"""  # noqa: S608 - a constant


def take_turn(store: Store) -> None:
    """Wait until nobody else books; the transaction's end lets the next one."""
    store.change("UPDATE last_posting SET seq = seq")


def last_closed(store: Store) -> int:
    """Return the last year that takes no posting any more, 0 where there is none."""
    return int(store.rows("SELECT coalesce(max(year), 0) FROM closed_years")[0][0])


def is_closed(store: Store, year: int) -> bool:
    """Tell whether postings of ``year`` come too late."""
    return year <= last_closed(store)


def last_developed_year(store: Store, kpj: Kpj) -> int:
    """Return the last year an account has the development of, 0 where there is none."""
    found = store.rows(_LAST_DEVELOPED, (kpj.digits,))
    return int(found[0][0]) if found else 0


def is_developed(store: Store, kpj: Kpj, year: int) -> bool:
    """Tell whether an account has the development of ``year``."""
    return bool(store.rows(_IS_DEVELOPED, (year, kpj.digits)))
