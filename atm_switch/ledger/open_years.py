"""Which years still take postings, and whose turn it is to book.

Plan: a year is closed to postings from the moment its closing begins, and so is every
year before it, for their development rests on what was booked by then.
Limits: ask within the transaction that books, after ``take_turn``: whoever books holds
the row of the last posting's number until the end, so what is seen stays true.
"""

from atm_switch.ledger.store import Store


def take_turn(store: Store) -> None:
    """Wait until nobody else books; the transaction's end lets the next one."""
    store.change("UPDATE last_posting SET seq = seq")


def last_closed(store: Store) -> int:
    """Return the last year that takes no posting any more, 0 where there is none."""
    return int(store.rows("SELECT coalesce(max(year), 0) FROM closed_years")[0][0])


def is_closed(store: Store, year: int) -> bool:
    """Tell whether postings of ``year`` come too late."""
    return year <= last_closed(store)
