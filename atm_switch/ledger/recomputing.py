"""Every development of the closed years computed anew, by the rule that booked it.

Plan: accounts in the order of their KPJ, a chunk at a time, and of each the closed years in
turn, each from what the ones before left.  A closing's own developments are the last of its
year, as many as it counted; before them come the desk's, by which an account has its year.
Limits: as long as all the closings took, so ask for it; call within a snapshot.  Rate and accrual
are those the closing says it went by; the totals of the years are proved by ``reconcile.py``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from atm_switch.domain.accrual import Accrual
from atm_switch.ledger.closing_rule import OF_CLOSING, POSTINGS, ClosingRule, by_account
from atm_switch.ledger.store import Row, Store

CHUNK: Final = 5_000
"""Accounts whose postings of a year are held at a time."""
_CLOSINGS: Final = """
SELECT year, rate_millipercent, accrual, next_kpj, accounts FROM closed_years ORDER BY year
"""
_BOOKED: Final = f"SELECT count(*) FROM postings AS p WHERE p.year = ? AND {OF_CLOSING}"  # noqa: S608 - a constant
_FIRST: Final = f"""
SELECT p.seq FROM postings AS p WHERE p.year = ? AND {OF_CLOSING}
ORDER BY p.seq LIMIT 1 OFFSET ?
"""  # noqa: S608 - a constant
_LAST_OF_CHUNK: Final = """
SELECT max(kpj) FROM (SELECT kpj FROM participants WHERE kpj > ? ORDER BY kpj LIMIT ?) AS chunk
"""
_MOVED: Final = """
SELECT year, kpj, contributions_sen + adjustments_sen + development_sen + claims_sen
FROM year_totals WHERE kpj > ? AND kpj <= ?
"""


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A development that is not what the rule gives; in sen, ``None`` where there is none."""

    year: int
    kpj: str
    booked: int | None
    ought: int | None


@dataclass(frozen=True, slots=True)
class _Closing:
    year: int
    rule: ClosingRule
    first: int
    """The number of the first posting it booked, or none before it."""
    until: str | None
    """The last account it has come to; ``None`` once it has ended."""

    def booked(self, row: Row) -> bool:
        """Tell whether it booked a row of ``POSTINGS``."""
        _, day, kind, _, seq, reverses, import_id = row
        is_of_closing = kind == "development" and day == self.rule.last_day.isoformat()
        return is_of_closing and reverses is None and import_id is None and seq >= self.first


def recompute(store: Store) -> Iterator[Recomputed]:
    """Yield each development of a closed year that is missing, too many, or of another amount."""
    closings = [_closing(store, row) for row in store.rows(_CLOSINGS)]
    after = ""
    while closings and (last := store.rows(_LAST_OF_CHUNK, (after, CHUNK))[0][0]) is not None:
        moved: dict[int, list[tuple[str, int]]] = {}
        for year, kpj, sen in store.rows(_MOVED, (after, last)):
            moved.setdefault(year, []).append((kpj, sen))
        opening: dict[str, int] = {}
        for closing in closings:
            for year in sorted(year for year in moved if year < closing.year):
                for kpj, sen in moved.pop(year):
                    opening[kpj] = opening.get(kpj, 0) + sen
            yield from _differing(store, closing, opening, (after, last))
        after = last


def _closing(store: Store, row: Row) -> _Closing:
    year, rate_millipercent, accrual, until, accounts = row
    rule, first = ClosingRule(year, rate_millipercent, Accrual(accrual)), 0
    of_the_desk = store.rows(_BOOKED, (year,))[0][0] - max(accounts, 0)
    if of_the_desk > 0:
        found = store.rows(_FIRST, (year, of_the_desk))
        first = found[0][0] if found else store.rows("SELECT seq + 1 FROM last_posting")[0][0]
    return _Closing(year, rule, first, until)


def _differing(
    store: Store, closing: _Closing, opening: dict[str, int], chunk: tuple[str, str]
) -> Iterator[Recomputed]:
    after, last = chunk
    if closing.until is not None:
        last = min(last, closing.until)
    if last <= after:
        return
    given = by_account(store.rows(POSTINGS, (closing.year, after, last)))
    for kpj in sorted(given.keys() | {kpj for kpj, sen in opening.items() if sen and kpj <= last}):
        rows = given.get(kpj, [])
        own = [row for row in rows if closing.booked(row)]
        others = [row for row in rows if not closing.booked(row)] if own else rows
        ought = closing.rule.earned(opening.get(kpj, 0), others)
        booked = sum(row[3] for row in own) if own else None
        if booked != ought or len(own) > 1:
            yield Recomputed(closing.year, kpj, booked, ought)
