"""Cells become typed values; a cell that cannot is named by its column and the reason.

Plan: one reader for each kind of row; the shapes themselves are the domain's.  Reasons
never quote a value; what may be shown of one is decided in ``csv_rejects.py``.
Limits: one fault a row, the leftmost.  Amounts stay below ``SEN_LIMIT`` so that sums of
a lifetime fit the ledger's integers.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from functools import lru_cache
from typing import Final, TypeVar

from atm_switch.domain.card import Expiry, Pan
from atm_switch.domain.identifiers import Kpj, Nik
from atm_switch.domain.member import CardStatus, MemberStatus, Segment, read_segment
from atm_switch.domain.money import ZERO, Money
from atm_switch.domain.posting import DAYS_AHEAD_MAX, EARLIEST_DAY, PostingKind

SEN_LIMIT: Final = 10**14
NAME_CHARACTERS_MAX: Final = 100
_REMEMBERED: Final = 16_384
"""Cells of a postings file come again and again: days, round amounts, the account before."""
_KINDS: Final = {kind.value: kind for kind in PostingKind}

T = TypeVar("T")
E = TypeVar("E", bound=Enum)


class BadCell(ValueError):
    """A cell, named by its column, cannot be taken; the reason quotes no value."""

    def __init__(self, column: str, reason: str) -> None:
        """Keep both."""
        super().__init__(reason)
        self.column = column
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ParticipantRow:
    """A row of participants.csv."""

    kpj: Kpj
    nik: Nik
    name: str = field(repr=False)
    birth_date: date = field(repr=False)
    segment: Segment
    status: MemberStatus


@dataclass(frozen=True, slots=True)
class PostingRow:
    """A row of postings.csv, the amount signed as the ledger has it."""

    kpj: Kpj
    posted_on: date
    kind: PostingKind
    amount: Money


@dataclass(frozen=True, slots=True)
class CardRow:
    """A row of cards.csv; ``pvv`` and ``pvki`` are both there or both empty."""

    pan: Pan
    expiry: Expiry
    kpj: Kpj
    pvv: str = field(repr=False)
    pvki: str
    status: CardStatus


def participant_of(cells: tuple[str, ...], today: date) -> ParticipantRow:
    """Read a row of participants.csv.  Raises ``BadCell``."""
    kpj, nik, name, birth_date, segment, status = cells
    return ParticipantRow(
        kpj=_cell("kpj", kpj, kpj_of),
        nik=_cell("nik", nik, Nik),
        name=_cell("name", name, _name),
        birth_date=_cell("birth_date", birth_date, lambda text: born_on(text, today)),
        segment=_cell("segment", segment, read_segment),
        status=_cell("status", status, lambda text: _word(text, MemberStatus, "a status")),
    )


def posting_of(cells: tuple[str, ...], today: date) -> PostingRow:
    """Read a row of postings.csv.  Raises ``BadCell``."""
    kpj, posted, kind_word, amount = cells
    account = _cell("kpj", kpj, kpj_of)
    day = _cell("posted_on", posted, lambda text: posted_on(text, today))
    kind = _KINDS.get(kind_word) or _cell(
        "kind", kind_word, lambda text: _word(text, PostingKind, "a kind")
    )
    return PostingRow(account, day, kind, _cell("amount", amount, lambda t: _signed(t, kind)))


def card_of(cells: tuple[str, ...]) -> CardRow:
    """Read a row of cards.csv.  Raises ``BadCell``."""
    pan, expiry, kpj, pvv, pvki, status = cells
    row = CardRow(
        pan=_cell("pan", pan, Pan),
        expiry=_cell("expiry", expiry, Expiry),
        kpj=_cell("kpj", kpj, kpj_of),
        pvv=_cell("pvv", pvv, lambda text: _digits(text, 4, "a PVV has four digits")),
        pvki=_cell("pvki", pvki, lambda text: _digits(text, 1, "a PVKI is one digit")),
        status=_cell("status", status, lambda text: _word(text, CardStatus, "a status")),
    )
    if bool(row.pvv) != bool(row.pvki):
        lacking = "pvki" if row.pvv else "pvv"
        raise BadCell(lacking, "pvv and pvki are given together or not at all")
    return row


def _cell(column: str, text: str, read: Callable[[str], T]) -> T:
    try:
        return read(text)
    except ValueError as error:
        raise BadCell(column, str(error) if text else "it is empty") from None


@lru_cache(_REMEMBERED)
def kpj_of(text: str) -> Kpj:
    """Read a KPJ, spaces and dashes aside.  Raises ``ValueError``."""
    return Kpj(text.replace(" ", "").replace("-", ""))


def is_name(text: str) -> bool:
    """Tell whether a name has 1 to ``NAME_CHARACTERS_MAX`` printable characters."""
    return 1 <= len(text) <= NAME_CHARACTERS_MAX and text.isprintable()


def _name(text: str) -> str:
    if not is_name(text):
        message = f"a name has 1 to {NAME_CHARACTERS_MAX} printable characters"
        raise ValueError(message)
    return text


def _day(text: str) -> date:
    message = "a date is written YYYY-MM-DD and exists"
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(message)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(message) from None
    if day < EARLIEST_DAY:
        message = "the date is before 1900"
        raise ValueError(message)
    return day


def born_on(text: str, today: date) -> date:
    """Read a birth date.  Raises ``ValueError``."""
    day = _day(text)
    if day > today:
        message = "the date is in the future"
        raise ValueError(message)
    return day


@lru_cache(_REMEMBERED)
def posted_on(text: str, today: date) -> date:
    """Read the day of a posting.  Raises ``ValueError``."""
    day = _day(text)
    if (day - today).days > DAYS_AHEAD_MAX:
        message = "the date is more than a year ahead"
        raise ValueError(message)
    return day


def _word(text: str, words: type[E], what: str) -> E:
    try:
        return words(text)
    except ValueError:
        known = ", ".join(str(word.value) for word in words)
        message = f"{what} is one of {known}"
        raise ValueError(message) from None


def _digits(text: str, count: int, rule: str) -> str:
    if text and not re.fullmatch(rf"[0-9]{{{count}}}", text):
        raise ValueError(rule)
    return text


@lru_cache(_REMEMBERED)
def _signed(text: str, kind: PostingKind) -> Money:
    """Read an amount and give it the ledger's sign: claims are negative there."""
    amount = Money.from_rupiah(text)
    if abs(amount.sen) >= SEN_LIMIT:
        message = f"an amount is below Rp {Money(SEN_LIMIT).indonesian()}"
        raise ValueError(message)
    if kind is PostingKind.ADJUSTMENT:
        if amount == ZERO:
            message = "an adjustment of nothing changes nothing"
            raise ValueError(message)
        return amount
    # a year without development is booked as 0.00, so that it counts as booked
    if amount < ZERO or (amount == ZERO and kind is not PostingKind.DEVELOPMENT):
        message = "the amount must be positive; only an adjustment has a sign"
        raise ValueError(message)
    return -amount if kind is PostingKind.CLAIM else amount
