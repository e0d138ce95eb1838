"""Postings into the books, and what they add to the totals, in one transaction.

Plan: whoever books puts the postings into the table ``waiting`` of its own connection and
calls ``book``; an import names the relation its rows wait in.  Totals are changed by adding,
so the order of bookings does not matter; ``last_posting`` gives out the numbers and makes
those who book at once wait for each other.
Limits: call within a transaction.  What is waiting has been judged: the account is there,
the year is open, nothing falls below zero.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from atm_switch.domain.errors import Refused
from atm_switch.ledger.standing import is_of_last_day
from atm_switch.ledger.store import Store

_WAITING: Final = """
CREATE TEMPORARY TABLE IF NOT EXISTS waiting (
    seq BIGINT PRIMARY KEY, kpj TEXT, posted_on TEXT, kind TEXT,
    sub_account TEXT DEFAULT 'main', amount_sen BIGINT, import_id BIGINT, reverses BIGINT,
    line BIGINT
)
"""
_BOOK: Final = """
INSERT INTO postings
    (year, kpj, seq, posted_on, kind, sub_account, amount_sen, import_id, reverses)
SELECT CAST(substr(posted_on, 1, 4) AS BIGINT) AS year, kpj,
       CAST(? AS BIGINT) + {number},
       posted_on, kind, sub_account, amount_sen, import_id, reverses
FROM {source} {order}
"""
_TO_ORDER: Final = "ORDER BY year, kpj, source.seq"
# No count where a year has two developments: the column takes none, and so nothing is booked.
_YEARS: Final = f"""
INSERT INTO year_totals AS held
SELECT kpj, CAST(substr(posted_on, 1, 4) AS BIGINT) AS year,
       CAST(sum(CASE kind WHEN 'contribution' THEN amount_sen ELSE 0 END) AS BIGINT),
       CAST(sum(CASE kind WHEN 'adjustment' THEN amount_sen ELSE 0 END) AS BIGINT),
       CAST(sum(CASE kind WHEN 'development' THEN amount_sen ELSE 0 END) AS BIGINT),
       CAST(sum(CASE kind WHEN 'claim' THEN amount_sen ELSE 0 END) AS BIGINT),
       CASE WHEN sum(CASE WHEN {is_of_last_day("source")} THEN 1 ELSE 0 END) < 2
            THEN count(*) END,
       max(CASE WHEN kind = 'contribution' AND reverses IS NULL THEN posted_on END)
FROM {{source}} WHERE true GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (kpj, year) DO UPDATE SET
    contributions_sen = held.contributions_sen + excluded.contributions_sen,
    adjustments_sen = held.adjustments_sen + excluded.adjustments_sen,
    development_sen = held.development_sen + excluded.development_sen,
    claims_sen = held.claims_sen + excluded.claims_sen,
    postings = held.postings + excluded.postings,
    last_contribution = CASE
        WHEN held.last_contribution >= excluded.last_contribution THEN held.last_contribution
        ELSE coalesce(excluded.last_contribution, held.last_contribution) END
"""  # noqa: S608 - constants
_NO_COUNT: Final = ("SQLITE_CONSTRAINT_NOTNULL", "NotNullViolationError")
_ACCOUNTS: Final = """
UPDATE participants SET
    balance_sen = participants.balance_sen + added.balance_sen,
    postings = participants.postings + added.postings,
    first_posting = CASE WHEN participants.first_posting <= added.first_posting
        THEN participants.first_posting ELSE added.first_posting END,
    last_contribution = CASE
        WHEN participants.last_contribution >= added.last_contribution
        THEN participants.last_contribution
        ELSE coalesce(added.last_contribution, participants.last_contribution) END,
    last_year = CASE WHEN participants.last_year >= added.last_year
        THEN participants.last_year ELSE added.last_year END
FROM (
    SELECT kpj, CAST(sum(amount_sen) AS BIGINT) AS balance_sen, count(*) AS postings,
           min(posted_on) AS first_posting,
           max(CASE WHEN kind = 'contribution' AND reverses IS NULL THEN posted_on END)
               AS last_contribution,
           CAST(substr(max(posted_on), 1, 4) AS BIGINT) AS last_year
    FROM {source} WHERE true GROUP BY 1 ORDER BY 1
) AS added WHERE participants.kpj = added.kpj
"""


def _nobody() -> None:
    """Hear and forget."""


class DevelopedTwice(Refused):
    """Of what was to be booked two are the development of one year of an account."""


def open_waiting(store: Store) -> None:
    """Make the table ``waiting``, empty; it ends with the connection."""
    store.change(_WAITING)
    store.change("DELETE FROM waiting")


def book(
    store: Store,
    source: str = "waiting",
    *,
    is_in_order: bool = False,
    passed: Callable[[], None] = _nobody,
) -> int:
    """Book what is waiting, numbered in the order of ``seq``; return the first number.

    ``source`` is a relation with the columns of ``waiting``, ours and no user's text; the
    table ``waiting`` itself is empty afterwards.  What ``is_in_order`` of its KPJ goes in
    as it comes: each year grows at its own end, and sorting would take longer than that.
    ``passed`` hears of each of the three passes over what is booked: the postings, the totals
    of years, those of accounts.
    Raises ``DevelopedTwice``, and the transaction is to be undone.
    """
    named = f"{source} AS source"
    count, low, high = store.rows(f"SELECT count(*), min(seq), max(seq) FROM {named}")[0]  # noqa: S608 - ours
    (last,) = store.rows("UPDATE last_posting SET seq = seq + ? RETURNING seq", (count,))[0]
    first = int(last) - count + 1
    # Counting anew takes a second pass, which numbers without a gap do not need.
    is_dense = count and high - low + 1 == count
    number = f"seq - {low - 1}" if is_dense else "row_number() OVER (ORDER BY seq)"
    order = "" if is_in_order else _TO_ORDER
    into_postings = _BOOK.format(source=named, number=number, order=order)
    for one_pass in (
        partial(store.change, into_postings, (first - 1,)),
        partial(_add_to_years, store, named),
        partial(store.change, _ACCOUNTS.format(source=named)),
    ):
        if count:
            one_pass()
        passed()
    if source == "waiting":
        store.change("DELETE FROM waiting")
    return int(first)


def _add_to_years(store: Store, source: str) -> None:
    try:
        store.change(_YEARS.format(source=source))
    except Refused as refused:
        if str(refused).endswith(_NO_COUNT):
            raise DevelopedTwice(
                "a year of an account has one development on 31 December"
            ) from None
        raise
