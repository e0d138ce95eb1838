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
from atm_switch.domain.statement import Statement
from atm_switch.domain.value import value
from atm_switch.messages.text_block import TextBlock, lines_max, wrap
from atm_switch.profile.model import SlipTexts

LABEL_WIDTH = 12
AMOUNT_LABEL_WIDTH = 16
FIGURE_WIDTH = len("999.999.999.999,99")
"""Of the largest amount that has a place in DE48."""
CURRENCY = "Rp"
TEXTS_KEPT = 64
SHOWN_BELOW = 10**14
"""Sen; DE48 has no place for more."""
_TWO_DIGITS = tuple([f"{number:02d}" for number in range(100)])
"""A number is formatted as slowly as ten of these are looked up."""


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
    """A member and the member's statement."""

    participant: Participant
    statement: Statement


class Standing(NamedTuple):
    """What screen and slip say that many members share."""

    segment: Segment
    status: MemberStatus
    as_of: date
    is_estimate: bool
    rate_millipercent: int
    kpj_count: int


class Own(NamedTuple):
    """What they say that is the member's own, as it may be shown.

    Amounts are figures, with spaces before them up to ``FIGURE_WIDTH``.
    """

    kpj: str
    name: str
    opening: str
    contributions: str
    development: str
    claims: str
    closing: str


class Head(NamedTuple):
    """What the slip says before that."""

    title: str
    stamp: str
    terminal: str
    rrn: str
    stan: str
    pan_masked: str


def standing_of(balance: Balance) -> Standing:
    """Return what a balance shares with others."""
    member, statement = balance.participant, balance.statement
    return Standing(
        member.segment, member.status, statement.as_of, statement.is_estimate,
        statement.rate_millipercent, member.kpj_count,
    )  # fmt: skip


def own_of(balance: Balance, name: str) -> Own:
    """Return what of a balance is the member's own; ``name`` is the one that DE48 shows."""
    said, width = balance.statement, FIGURE_WIDTH
    return Own(
        balance.participant.kpj.masked,
        " ".join(name.split()),
        said.opening.indonesian().rjust(width),
        said.contributions.indonesian().rjust(width),
        said.development.indonesian().rjust(width),
        said.claims.indonesian().rjust(width),
        said.closing.indonesian().rjust(width),
    )


def shown_name(member: Participant) -> str:
    """Return a name as it may be shown, in the characters there are."""
    return printable(member.masked_name)


def head_of(place: Place, words: SlipTexts, width: int) -> Head:
    """Return the head of a slip of ``width``."""
    return Head(
        title(words, place.bank, width), stamp(place.at, place.zone),
        place.terminal, place.rrn, place.stan, place.pan_masked,
    )  # fmt: skip


def receipt(balance: Balance, place: Place, words: SlipTexts, width: int) -> TextBlock:
    """Compose the slip, each line at most ``width`` characters."""
    own, head = own_of(balance, shown_name(balance.participant)), head_of(place, words, width)
    return slip_of(head, own, standing_of(balance), words, width)


def slip_of(head: Head, own: Own, standing: Standing, words: SlipTexts, width: int) -> TextBlock:
    """Compose the slip of texts that are ready."""
    rule = "-" * width
    lines = [
        *_head(head, words, width),
        rule,
        *_heading(words, width),
        rule,
        *_member(own, standing, words, width),
        rule,
        *_amounts(own, standing, words, width),
        rule,
        *_amount(words.closing, own.closing, width),
        rule,
        *_foot(words, width, standing.is_estimate, standing.rate_millipercent),
    ]
    return TextBlock("R", width, tuple(lines[: lines_max(width)]))


def screen(balance: Balance, words: SlipTexts, width: int) -> TextBlock:
    """Compose the screen: who, the amounts, and how to see the other KPJ."""
    own = own_of(balance, shown_name(balance.participant))
    return screen_of(own, standing_of(balance), words, width)


def screen_of(own: Own, standing: Standing, words: SlipTexts, width: int) -> TextBlock:
    """Compose the screen of texts that are ready."""
    lines = [
        words.heading[0],
        *_member(own, standing, words, width),
        *_amounts(own, standing, words, width),
        *_amount(words.closing, own.closing, width),
        *_note(words, width, standing.is_estimate, standing.rate_millipercent),
    ]
    if standing.kpj_count > 1:
        count = f"{standing.kpj_count:02d}"
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


def stamp(at: datetime, zone: Zone) -> str:
    """Write a time, in UTC, as the clock in ``zone`` has it."""
    clock, two = at + zone.ahead, _TWO_DIGITS
    day = f"{two[clock.day]}/{two[clock.month]}/{clock.year}"
    return f"{day} {two[clock.hour]}:{two[clock.minute]}:{two[clock.second]} {zone._name_}"


def _head(head: Head, words: SlipTexts, width: int) -> Iterator[str]:
    yield head.title
    yield from _two_sides(head.stamp, f"{words.terminal} {head.terminal}", width)
    yield from _two_sides(f"{words.reference} {head.rrn}", f"{words.stan} {head.stan}", width)
    yield f"{words.card:<6} {head.pan_masked}"


def _two_sides(left: str, right: str, width: int) -> tuple[str, ...]:
    if len(left) + 1 + len(right) > width:
        return (left, right)
    return (left + right.rjust(width - len(left)),)


def _labelled(label: str, value: str, width: int) -> list[str]:
    first, *others = wrap(value, width - LABEL_WIDTH - 2) or [""]
    whole = f"{label.ljust(LABEL_WIDTH)}: {first}".rstrip()
    return [whole, *[" " * (LABEL_WIDTH + 2) + other for other in others]]


def _member(own: Own, standing: Standing, words: SlipTexts, width: int) -> Iterator[str]:
    yield from _labelled(words.kpj, own.kpj, width)
    yield from _labelled(words.name, own.name, width)
    yield from _standing(words, width, standing.segment, standing.status)
    yield from _day(words, width, standing.as_of)


def _amounts(own: Own, standing: Standing, words: SlipTexts, width: int) -> Iterator[str]:
    mark = " *)" if standing.is_estimate else ""
    yield from _amount(words.opening, own.opening, width)
    yield from _amount(words.contributions, own.contributions, width)
    yield from _amount(words.development + mark, own.development, width)
    yield from _amount(words.claims, own.claims, width)


def _amount(label: str, filled: str, width: int) -> Sequence[str]:
    figure = filled.lstrip()
    named = label.ljust(AMOUNT_LABEL_WIDTH) + CURRENCY
    if len(named) + 1 + len(figure) > width:
        return (label, f"{CURRENCY} {figure}".rjust(width))
    return (named + figure.rjust(width - len(named)),)


# What follows is the same for everybody of one language, day and width: laid out once.


@lru_cache(TEXTS_KEPT)
def title(words: SlipTexts, bank: str, width: int) -> str:
    """Write the slip's first line; a long name of a bank is cut."""
    said = f" - {words.receipt_title}"
    return f"{printable(bank)[: width - len(said)]}{said}".center(width)


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


def is_showable(said: Statement) -> bool:
    """Tell whether every amount of a statement has a place in DE48: none is negative."""
    return (
        0 <= said.opening.sen < SHOWN_BELOW
        and 0 <= said.contributions.sen < SHOWN_BELOW
        and 0 <= said.development.sen < SHOWN_BELOW
        and 0 <= said.claims.sen < SHOWN_BELOW
        and 0 <= said.closing.sen < SHOWN_BELOW
    )


def is_awaited(status: MemberStatus, has_postings: bool) -> bool:  # noqa: FBT001
    """Tell whether an account's balance is still to come: nothing was ever booked on it."""
    return not has_postings and status is not MemberStatus.CLAIMED_OUT
