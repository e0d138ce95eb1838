"""Close a year: book the development of every account on 31 December, once.

Plan: accounts in the order of their KPJ, in chunks; each is read in one snapshot, computed
by the same function the statement's estimate comes from (``closing_rule.py``), and booked in one
transaction with its checkpoint.  Interrupted, it goes on there; twice is once.  From its
beginning the year takes no other posting, so what was read stays true while others book.
What a merged account earned moves to the one it was merged into on 1 January, so that it
does not earn in the old year again; by days it is a posting of that day as any other, and the
one day it earned before it stays with the merged account until the next closing moves it.
Limits: years are closed in order (``closing_order.py``).  An account that earned nothing gets
no posting; one that was paid all of it in advance gets 0.00, which makes its year final.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from atm_switch.domain.accrual import Accrual, DevelopmentRate
from atm_switch.domain.errors import Refused
from atm_switch.domain.money import Money
from atm_switch.domain.posting import PostingKind
from atm_switch.ledger.booking import book, open_waiting
from atm_switch.ledger.closing_order import require_order
from atm_switch.ledger.closing_rule import POSTINGS, ClosingRule, by_account
from atm_switch.ledger.open_years import take_turn
from atm_switch.ledger.store import Row, Store

CHUNK: Final = 5_000
"""Accounts that are booked together."""

_STATE: Final = """
SELECT accrual, rate_millipercent, next_kpj, accounts, development_sen
FROM closed_years WHERE year = ?
"""
_ACCOUNTS: Final = """
SELECT kpj, balance_sen - coalesce((
    SELECT CAST(sum(contributions_sen + adjustments_sen + development_sen + claims_sen) AS BIGINT)
    FROM year_totals WHERE year_totals.kpj = participants.kpj AND year >= ?
), 0)
FROM participants WHERE kpj > ? AND postings > 0 ORDER BY kpj LIMIT ?
"""
_MERGED: Final = """
SELECT kpj, merged_into FROM participants
WHERE merged_into IS NOT NULL AND kpj > ? AND kpj <= ?
"""
_CHECKPOINT: Final = """
UPDATE closed_years SET next_kpj = ?, accounts = accounts + ?,
       development_sen = development_sen + ?
WHERE year = ?
"""
_COLUMNS: Final = ("seq", "kpj", "posted_on", "kind", "sub_account", "amount_sen")


@dataclass(frozen=True, slots=True)
class ClosingTerms:
    """By what a year is closed."""

    rate: DevelopmentRate
    accrual: Accrual
    today: date
    """In Jakarta."""
    at: datetime

    @property
    def year(self) -> int:
        """The year."""
        return self.rate.year


@dataclass(frozen=True, slots=True)
class ClosedYear:
    """What was booked in all and by what, and how many accounts in this run were looked at."""

    accounts: int
    development: Money
    looked_at: int
    was_done: bool
    accrual: str
    rate_millipercent: int


Progress = Callable[[int, int], None]
"""Told how many accounts are done, and how many there are."""


def _nobody() -> None:
    """Hear and forget."""


def close_year(
    store: Store, terms: ClosingTerms, progress: Progress, witness: Callable[[], None] = _nobody
) -> ClosedYear:
    """Book the development of a year, from the beginning or from where it stopped.

    ``witness`` hears that it begins, or goes on, once nothing forbids it and before anything
    is durable: what it raises undoes the beginning.  Raises ``Refused`` for a year that is not
    over, one out of order, and one begun by another rate or accrual.
    """
    state = _begin(store, terms, witness)
    looked_at = done = 0
    if state.next_kpj is not None:
        done, total = _counts(store, state.next_kpj)
        progress(done, total)
        while (chunk := _read(store, terms)) is not None:
            _book(store, terms, chunk)
            looked_at += len(chunk.accounts)
            progress(done + looked_at, max(total, done + looked_at))
        _finish(store, terms)
    ended = _state(store, terms.year) or state
    return ended.told(looked_at, was_done=state.next_kpj is None)


def closed_before(store: Store, year: int) -> ClosedYear | None:
    """Return what a year came to whose closing has ended, by the terms of then."""
    state = _state(store, year)
    return state.told(0, was_done=True) if state and state.next_kpj is None else None


def closing_rates(store: Store) -> dict[int, int]:
    """Return the rate, in 1/1000 %, by which each closed year was closed."""
    return dict(store.rows("SELECT year, rate_millipercent FROM closed_years"))


@dataclass(frozen=True, slots=True)
class _State:
    accrual: str
    rate_millipercent: int
    next_kpj: str | None
    accounts: int
    development_sen: int

    def told(self, looked_at: int, *, was_done: bool) -> ClosedYear:
        development = Money(self.development_sen)
        return ClosedYear(
            self.accounts, development, looked_at, was_done, self.accrual, self.rate_millipercent
        )


@dataclass(frozen=True, slots=True)
class _Chunk:
    after: str
    accounts: list[Row]
    earned: list[tuple[str, int]]

    @property
    def last(self) -> str:
        return str(self.accounts[-1][0])


def _begin(store: Store, terms: ClosingTerms, witness: Callable[[], None]) -> _State:
    year = terms.year
    if date(year, 12, 31) >= terms.today:
        raise Refused(f"the year {year} is not over yet in Jakarta; close it from 1 January on")
    with store.transaction():
        take_turn(store)
        state = _state(store, year)
        if state is None:
            require_order(store, year)
            store.change(
                "INSERT INTO closed_years (year, accrual, rate_millipercent, next_kpj, accounts,"
                " development_sen, began_at) VALUES (?, ?, ?, '', 0, 0, ?)",
                (year, terms.accrual.value, terms.rate.millipercent, terms.at.isoformat()),
            )
            witness()
            return _State(terms.accrual.value, terms.rate.millipercent, "", 0, 0)
    begun_by = (state.accrual, state.rate_millipercent)
    if state.next_kpj is not None and begun_by != (terms.accrual.value, terms.rate.millipercent):
        whole, decimals = divmod(state.rate_millipercent, 1000)
        raise Refused(
            f"the closing of {year} was begun {state.accrual} at {whole}.{decimals:03d} %;"
            " go on with that rate and accrual"
        )
    if state.next_kpj is not None:
        witness()
    return state


def _state(store: Store, year: int) -> _State | None:
    found = store.rows(_STATE, (year,))
    return _State(*found[0]) if found else None


def _counts(store: Store, next_kpj: str) -> tuple[int, int]:
    query = "SELECT count(*) FROM participants WHERE postings > 0 AND kpj <= ?"
    (done,) = store.rows(query, (next_kpj,))[0]
    (total,) = store.rows("SELECT count(*) FROM participants WHERE postings > 0")[0]
    return done, total


def _read(store: Store, terms: ClosingTerms) -> _Chunk | None:
    """Read the next chunk and compute what it earned; ``None`` past the last."""
    year = terms.year
    with store.snapshot():
        state = _state(store, year)
        if state is None or state.next_kpj is None:
            return None
        accounts = store.rows(_ACCOUNTS, (year, state.next_kpj, CHUNK))
        if not accounts:
            return None
        rows = store.rows(POSTINGS, (year, state.next_kpj, accounts[-1][0]))
    return _Chunk(state.next_kpj, accounts, list(_earned(terms, accounts, rows)))


def _earned(terms: ClosingTerms, accounts: list[Row], rows: list[Row]) -> Iterator[tuple[str, int]]:
    rule = ClosingRule(terms.year, terms.rate.millipercent, terms.accrual)
    given = by_account(rows)
    for kpj, opening in accounts:
        sen = rule.earned(opening, given.get(kpj, ()))
        if sen is not None:
            yield kpj, sen


def _book(store: Store, terms: ClosingTerms, chunk: _Chunk) -> None:
    with store.transaction():
        take_turn(store)
        state = _state(store, terms.year)
        if state is None or state.next_kpj != chunk.after:
            return  # another closing of the same year was faster with this chunk
        merged: dict[str, str] = dict(store.rows(_MERGED, (chunk.after, chunk.last)))
        entries = [entry for one in chunk.earned for entry in _entries(terms.year, one, merged)]
        open_waiting(store)
        store.load("waiting", _COLUMNS, [(at, *entry) for at, entry in enumerate(entries)])
        book(store)
        sen = sum(amount for _, amount in chunk.earned)
        store.change(_CHECKPOINT, (chunk.last, len(chunk.earned), sen, terms.year))


def _entries(
    year: int, earned: tuple[str, int], merged: dict[str, str]
) -> Iterator[tuple[str, str, str, str, int]]:
    kpj, sen = earned
    new_year = date(year + 1, 1, 1).isoformat()
    yield kpj, date(year, 12, 31).isoformat(), PostingKind.DEVELOPMENT.value, "main", sen
    if sen and kpj in merged:
        yield kpj, new_year, PostingKind.ADJUSTMENT.value, "main", -sen
        yield merged[kpj], new_year, PostingKind.ADJUSTMENT.value, "main", sen


def _finish(store: Store, terms: ClosingTerms) -> None:
    with store.transaction():
        store.change(
            "UPDATE closed_years SET next_kpj = NULL, finished_at = coalesce(finished_at, ?)"
            " WHERE year = ?",
            (terms.at.isoformat(), terms.year),
        )
