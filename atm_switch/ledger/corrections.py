"""Single postings, booked while inquiries run: a late one, a correction, one taken back.

Plan: each is one transaction: the account looked at, the posting booked, the totals with
it.  Nothing is ever changed or deleted; a mistake is taken back by a posting of the same
kind with the sign turned, which names what it reverses.
Limits: a closed year takes no posting; what belongs there is booked in the running one.  No
sub-account ends a day below zero (``domain/solvency.py``).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import MemberStatus
from atm_switch.domain.money import Money
from atm_switch.domain.posting import EARLIEST_DAY, Posting, PostingKind, is_last_day
from atm_switch.domain.solvency import Movement, first_short_day
from atm_switch.ledger.booking import book, open_waiting
from atm_switch.ledger.open_years import (
    is_closed,
    is_developed,
    last_developed_year,
    take_turn,
)
from atm_switch.ledger.standing import stands
from atm_switch.ledger.store import Store

SEN_LIMIT = 10**14
"""What the amount of a single posting stays below, either way."""

_WAIT = """
INSERT INTO waiting (seq, kpj, posted_on, kind, sub_account, amount_sen, reverses)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_ORIGINAL = """
SELECT posted_on, kind, sub_account, amount_sen, reverses FROM postings
WHERE year IN (SELECT year FROM year_totals WHERE kpj = ?) AND kpj = ? AND seq = ?
"""
# A transfer books its two halves one behind the other.
_OTHER_HALF = f"""
SELECT 1 FROM postings AS half
WHERE half.year = ? AND half.kpj IN (
    SELECT other.kpj FROM participants AS mine
    JOIN participants AS other ON other.person = mine.person AND other.kpj <> mine.kpj
    WHERE mine.kpj = ?
) AND half.seq IN (?, ?) AND half.posted_on = ? AND half.kind = 'adjustment'
  AND half.amount_sen = ? AND {stands("half")}
"""  # noqa: S608 - a constant
_ACCOUNT = "SELECT merged_into FROM participants WHERE kpj = ?"
_HELD = """
SELECT posted_on, amount_sen FROM postings
WHERE year IN (SELECT year FROM year_totals WHERE kpj = ?) AND kpj = ? AND sub_account = ?
"""
_LAST_PAID = f"""
SELECT max(posted_on) FROM postings AS one
WHERE year = ? AND kpj = ? AND kind = 'contribution' AND {stands("one")}
"""  # noqa: S608 - a constant


@dataclass(frozen=True, slots=True)
class Entry:
    """A posting to be booked on an account.  ``reverses``: the number of the one taken back."""

    kpj: Kpj
    posting: Posting
    sub_account: str = "main"
    reverses: int | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """What a sub-account hands over on a day; the amount may be negative."""

    sub_account: str
    on: date
    amount: Money


Witness = Callable[[int], None]
"""Told the number of a posting before the commit: what it raises undoes the posting."""


def _nobody(_number: int) -> None:
    """Hear and forget."""


def post(store: Store, entry: Entry, witness: Witness = _nobody) -> int:
    """Book one posting and return its number; ``witness`` hears it before it is durable.

    Raises ``Refused`` for an account that is not there or was merged away, a closed year, one
    the account has the development of, and a balance that would fall below zero on its day or
    a later one.
    """
    _require_sign(entry.posting)
    if entry.posting.posted_on < EARLIEST_DAY:
        raise Refused(f"the date is before {EARLIEST_DAY.year}")
    with store.transaction():
        take_turn(store)
        _require_open(store, entry)
        _require_undeveloped(store, entry)
        new = _booked(store, [entry])
        witness(new)
        return new


def is_claimed_out(store: Store, kpj: Kpj) -> bool:
    """Tell whether everything was paid out of an account; what comes later is worth a word."""
    query = "SELECT 1 FROM participants WHERE kpj = ? AND status = ?"
    return bool(store.rows(query, (kpj.digits, MemberStatus.CLAIMED_OUT.value)))


def reverse(store: Store, kpj: Kpj, number: int, today: date, witness: Witness = _nobody) -> int:
    """Take a posting back with one of the opposite sign; return the new one's number.

    It is dated as the original was, or today where that year is closed or the account has its
    development; a development that came with the history is undone on its day, and its year open
    again.  Raises ``Refused`` as ``post`` does, for a number the account does not have, and for
    the second time.
    """
    with store.transaction():
        take_turn(store)
        day, kind, sub_account, sen = _original(store, kpj, number)
        posted_on = date.fromisoformat(day)
        what = PostingKind(kind)
        is_earned = what is PostingKind.DEVELOPMENT
        is_settled = is_closed(store, posted_on.year) or (
            not (is_earned and is_last_day(posted_on)) and is_developed(store, kpj, posted_on.year)
        )
        if is_settled and is_earned and not is_last_day(posted_on):
            raise Refused(
                f"the development of {posted_on.year} is booked so much less; book an adjustment"
                " instead"
            )
        posting = Posting(today if is_settled else posted_on, what, -Money(sen))
        new = _booked(store, [Entry(kpj, posting, sub_account, reverses=number)])
        if posting.kind is PostingKind.CONTRIBUTION:
            _correct_last_contribution(store, kpj, posted_on.year)
        witness(new)
        return new


def transfer(store: Store, source: Kpj, target: Kpj, moved: Iterable[Moved]) -> None:
    """Move amounts between accounts by pairs of adjustments; within a transaction.

    Raises ``Refused`` as ``post`` does.
    """
    entries = [
        Entry(kpj, Posting(one.on, PostingKind.ADJUSTMENT, amount), one.sub_account)
        for one in moved
        for kpj, amount in ((source, -one.amount), (target, one.amount))
    ]
    _booked(store, entries)


def _original(store: Store, kpj: Kpj, number: int) -> tuple[str, str, str, int]:
    found = store.rows(_ORIGINAL, (kpj.digits, kpj.digits, number))
    if not found:
        raise Refused("the account has no such posting; see atm-switch ledger postings")
    day, kind, sub_account, sen, reverses = found[0]
    if reverses is not None:
        raise Refused("this posting takes another back itself; book the right one instead")
    if store.rows("SELECT 1 FROM postings WHERE reverses = ?", (number,)):
        raise Refused("the posting was taken back before; nothing was changed")
    half = (int(day[:4]), kpj.digits, number - 1, number + 1, day, -sen)
    if kind == PostingKind.ADJUSTMENT.value and store.rows(_OTHER_HALF, half):
        raise Refused(
            "this posting is one half of a transfer between two accounts of a person, and the"
            " other would stay; book an adjustment instead"
        )
    return day, kind, sub_account, sen


def _booked(store: Store, entries: list[Entry]) -> int:
    for entry in entries:
        _require_open(store, entry)
    _require_room(store, entries)
    open_waiting(store)
    for at, entry in enumerate(entries):
        posting = entry.posting
        store.change(
            _WAIT,
            (
                at, entry.kpj.digits, posting.posted_on.isoformat(), posting.kind.value,
                entry.sub_account, posting.amount.sen, entry.reverses,
            ),
        )  # fmt: skip
    return book(store)


def _require_open(store: Store, entry: Entry) -> None:
    found = store.rows(_ACCOUNT, (entry.kpj.digits,))
    if not found:
        raise Refused("the ledger knows no such KPJ; import it with atm-switch ledger import")
    (merged_into,) = found[0]
    if merged_into is not None:
        raise Refused(f"the KPJ was merged into {Kpj(merged_into).masked}; book it there")
    year = entry.posting.posted_on.year
    if is_closed(store, year):
        # A development would be an advance there, which the year's estimate swallows.
        is_earned = entry.posting.kind is PostingKind.DEVELOPMENT
        how = "as an adjustment in" if is_earned else "in"
        raise Refused(f"the year {year} is closed; book it {how} the running year")


def _require_undeveloped(store: Store, entry: Entry) -> None:
    """Raise ``Refused`` where the account's development rests on the year as it is."""
    posting = entry.posting
    year = posting.posted_on.year
    if posting.kind is PostingKind.DEVELOPMENT and is_last_day(posting.posted_on):
        if is_developed(store, entry.kpj, year):
            raise Refused(
                f"the development of {year} is booked already; take that back first"
                " (atm-switch ledger postings, reverse)"
            )
        return
    developed = last_developed_year(store, entry.kpj)
    if year <= developed:
        raise Refused(
            f"the account has the development of {developed}, which rests on {year} as it is; book"
            f" it in {developed + 1} or later, or take that development back first (atm-switch"
            " ledger postings, reverse)"
        )


def _require_room(store: Store, entries: Iterable[Entry]) -> None:
    new: dict[tuple[Kpj, str], list[Movement]] = {}
    for entry in entries:
        movement = (entry.posting.posted_on.isoformat(), entry.posting.amount.sen)
        new.setdefault((entry.kpj, entry.sub_account), []).append(movement)
    for (kpj, sub_account), movements in new.items():
        if all(sen >= 0 for _, sen in movements):
            continue
        held = store.rows(_HELD, (kpj.digits, kpj.digits, sub_account))
        day = first_short_day(held, movements)
        if day is not None:
            which = "account" if sub_account == "main" else f"{sub_account} account"
            raise Refused(f"the {which} would fall below zero on {day} with this posting")


def _require_sign(posting: Posting) -> None:
    sen = posting.amount.sen
    if abs(sen) >= SEN_LIMIT:
        raise Refused(f"one posting holds less than Rp {Money(SEN_LIMIT).indonesian()}")
    is_right = {
        PostingKind.CONTRIBUTION: sen > 0,
        PostingKind.CLAIM: sen < 0,
        PostingKind.DEVELOPMENT: sen >= 0,
        PostingKind.ADJUSTMENT: sen != 0,
    }
    if not is_right[posting.kind]:
        raise Refused("the amount must be positive; only an adjustment has a sign")


def _correct_last_contribution(store: Store, kpj: Kpj, year: int) -> None:
    (paid,) = store.rows(_LAST_PAID, (year, kpj.digits))[0]
    store.change(
        "UPDATE year_totals SET last_contribution = ? WHERE kpj = ? AND year = ?",
        (paid, kpj.digits, year),
    )
    store.change(
        "UPDATE participants SET last_contribution ="
        " (SELECT max(last_contribution) FROM year_totals WHERE year_totals.kpj = ?)"
        " WHERE kpj = ?",
        (kpj.digits, kpj.digits),
    )
