"""What the member reads: screen lines (DE62) and the paper slip (DE63).

Pure: balance, words, place and time in; lines out.  The slip's form is domain.md 6.  Card
number, KPJ and name are masked here whatever DE48 shows.  Lines too long for a narrow
slip are broken, never cut, save the bank's own name; what does not fit one text block is
left off at the end, where the greetings stand.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

from atm_switch.domain.instant import Zone
from atm_switch.domain.member import MemberStatus, Participant, Segment
from atm_switch.domain.money import Money
from atm_switch.domain.statement import Statement
from atm_switch.domain.value import value
from atm_switch.messages.text_block import TextBlock, lines_max, wrap
from atm_switch.profile.model import SlipTexts

LABEL_WIDTH = 12
AMOUNT_LABEL_WIDTH = 16
CURRENCY = "Rp"
TEXTS_KEPT = 64


class Place(NamedTuple):
    """Where and when the member stands: all the slip says that the balance does not."""

    bank: str
    terminal: str
    zone: Zone
    at: datetime
    rrn: str
    stan: str
    pan_masked: str


@value
class Balance:
    """A member's statement and how many KPJ the member has."""

    participant: Participant
    statement: Statement
    kpj_count: int


class Figures(NamedTuple):
    """What screen and slip both say, in lines of one width."""

    width: int
    kpj: str
    name: str
    """Both as they may be shown."""
    member: tuple[str, ...]
    amounts: tuple[str, ...]
    closing: Sequence[str]


def lay_out(balance: Balance, words: SlipTexts, width: int) -> Figures:
    """Lay out who the member is and what the account holds."""
    statement, member = balance.statement, balance.participant
    kpj, name = member.kpj.masked, printable(member.masked_name)
    return Figures(
        width,
        kpj,
        name,
        (
            *_labelled(words.kpj, kpj, width),
            *_labelled(words.name, name, width),
            *_standing(words, width, member.segment, member.status),
            *_day(words, width, statement.as_of),
        ),
        tuple(_amounts(statement, words, width)),
        _amount(words.closing, statement.closing, width),
    )


def receipt(
    balance: Balance, place: Place, words: SlipTexts, width: int, laid: Figures | None = None
) -> TextBlock:
    """Compose the slip, each line at most ``width`` characters.

    ``laid``: the figures as the screen had them, which are taken if they are as wide.
    """
    rule, statement = "-" * width, balance.statement
    figures = laid if laid and laid.width == width else lay_out(balance, words, width)
    lines = [
        *_head(place, words, width),
        rule,
        *_heading(words, width),
        rule,
        *figures.member,
        rule,
        *figures.amounts,
        rule,
        *figures.closing,
        rule,
        *_foot(words, width, statement.is_estimate, statement.rate_millipercent),
    ]
    return TextBlock("R", width, tuple(lines[: lines_max(width)]))


def screen(
    balance: Balance, words: SlipTexts, width: int, laid: Figures | None = None
) -> TextBlock:
    """Compose the screen: who, the amounts, and how to see the other KPJ."""
    statement = balance.statement
    figures = laid or lay_out(balance, words, width)
    lines = [
        words.heading[0],
        *figures.member,
        *figures.amounts,
        *figures.closing,
        *_note(words, width, statement.is_estimate, statement.rate_millipercent),
    ]
    if balance.kpj_count > 1:
        count = f"{balance.kpj_count:02d}"
        for line in words.choose:
            lines += wrap(line.replace("{count}", count), width)
    return TextBlock("S", width, tuple(lines[: lines_max(width)]))


def error_screen(text: str, width: int) -> TextBlock:
    """Compose the lines of a decline."""
    return TextBlock("E", width, tuple(wrap(printable(text), width)))


def printable(text: str) -> str:
    """Reduce a text to the printable ASCII that class ``ans`` allows; the rest is ``?``."""
    if text.isascii() and text.isprintable():
        return text
    plain = unicodedata.normalize("NFKD", text)
    bare = "".join(character for character in plain if not unicodedata.combining(character))
    return "".join(character if " " <= character <= "~" else "?" for character in bare)


def percent(millipercent: int) -> str:
    """Write a rate the Indonesian way, at least two decimals: 5000 is ``5,00``."""
    whole, thousandths = divmod(millipercent, 1000)
    decimals = f"{thousandths:03d}"
    return f"{whole},{decimals[:2] if decimals.endswith('0') else decimals}"


def _head(place: Place, words: SlipTexts, width: int) -> Iterator[str]:
    yield _title(words, place.bank, width)
    stamp = _stamp(place.at.replace(microsecond=0), place.zone)
    yield from _two_sides(stamp, f"{words.terminal} {place.terminal}", width)
    yield from _two_sides(f"{words.reference} {place.rrn}", f"{words.stan} {place.stan}", width)
    yield f"{words.card:<6} {place.pan_masked}"


def _two_sides(left: str, right: str, width: int) -> tuple[str, ...]:
    if len(left) + 1 + len(right) > width:
        return (left, right)
    return (left + right.rjust(width - len(left)),)


def _labelled(label: str, value: str, width: int) -> list[str]:
    first, *others = wrap(value, width - LABEL_WIDTH - 2) or [""]
    whole = f"{label.ljust(LABEL_WIDTH)}: {first}".rstrip()
    return [whole, *[" " * (LABEL_WIDTH + 2) + other for other in others]]


def _amounts(statement: Statement, words: SlipTexts, width: int) -> Iterator[str]:
    mark = " *)" if statement.is_estimate else ""
    for label, amount in (
        (words.opening, statement.opening),
        (words.contributions, statement.contributions),
        (words.development + mark, statement.development),
        (words.claims, statement.claims),
    ):
        yield from _amount(label, amount, width)


def _amount(label: str, amount: Money, width: int) -> Sequence[str]:
    figure = amount.indonesian()
    named = label.ljust(AMOUNT_LABEL_WIDTH) + CURRENCY
    if len(named) + 1 + len(figure) > width:
        return (label, f"{CURRENCY} {figure}".rjust(width))
    return (named + figure.rjust(width - len(named)),)


# What follows is the same for everybody of one language, day and width: laid out once.


@lru_cache(TEXTS_KEPT)
def _stamp(at: datetime, zone: Zone) -> str:
    return f"{at.astimezone(zone.tzinfo):%d/%m/%Y %H:%M:%S} {zone.name}"


@lru_cache(TEXTS_KEPT)
def _title(words: SlipTexts, bank: str, width: int) -> str:
    title = f" - {words.receipt_title}"
    return f"{printable(bank)[: width - len(title)]}{title}".center(width).rstrip()


@lru_cache(TEXTS_KEPT)
def _standing(
    words: SlipTexts, width: int, segment: Segment, status: MemberStatus
) -> tuple[str, ...]:
    standing = f"{segment.value} / {words.status[status.value]}"
    return tuple(_labelled(words.membership, standing, width))


@lru_cache(TEXTS_KEPT)
def _day(words: SlipTexts, width: int, as_of: date) -> tuple[str, ...]:
    return tuple(_labelled(words.as_of, f"{as_of:%d/%m/%Y}", width))


@lru_cache(TEXTS_KEPT)
def _heading(words: SlipTexts, width: int) -> tuple[str, ...]:
    return tuple(line.center(width).rstrip() for line in words.heading)


@lru_cache(TEXTS_KEPT)
def _note(words: SlipTexts, width: int, is_estimate: bool, rate: int) -> tuple[str, ...]:  # noqa: FBT001
    note = words.estimate_note if is_estimate else words.final_note
    return tuple(wrap(note.replace("{rate}", percent(rate)), width))


@lru_cache(TEXTS_KEPT)
def _foot(words: SlipTexts, width: int, is_estimate: bool, rate: int) -> tuple[str, ...]:  # noqa: FBT001
    first, *greetings = words.footer
    centred = (line.center(width).rstrip() for one in greetings for line in wrap(one, width))
    return (*_note(words, width, is_estimate, rate), *wrap(first, width), *centred)


def is_showable(statement: Statement) -> bool:
    """Tell whether every amount of a statement has a place in DE48: none is negative."""
    amounts = (
        statement.opening, statement.contributions, statement.development,
        statement.claims, statement.closing,
    )  # fmt: skip
    return all(0 <= amount.sen < 10**14 for amount in amounts)


def is_awaited(status: MemberStatus, has_postings: bool) -> bool:  # noqa: FBT001
    """Tell whether an account's balance is still to come: nothing was ever booked on it."""
    return not has_postings and status is not MemberStatus.CLAIMED_OUT
