"""0200/0201 into a typed inquiry: what is asked, by whom, about which card.

Every door of the corridor takes this or what grew out of it.  Reading it judges the form
(30), the amount (13) and the card number (14); whether anybody may ask is not known here.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime
from functools import lru_cache
from typing import TypeVar

from atm_switch.domain.card import Expiry, Pan, Track2
from atm_switch.domain.errors import Declined
from atm_switch.domain.identifiers import AcquirerId, Channel, Rrn, Stan, TerminalId
from atm_switch.domain.instant import read_transmission_stamp
from atm_switch.domain.outcome import Outcome
from atm_switch.domain.secret import PinBlock
from atm_switch.domain.value import value
from atm_switch.messages.inquiry_data import InquiryData, read_inquiry_data
from atm_switch.profile.model import Profile
from atm_switch.wire.message import IsoMessage

T = TypeVar("T")
Elements = Mapping[int, str]


@value
class BalanceInquiry:
    """One readable inquiry, not yet believed."""

    acquirer: AcquirerId
    terminal: TerminalId
    channel: Channel
    stan: Stan
    rrn: Rrn
    sent_at: datetime
    """DE7 with its year supplied, UTC."""
    pan: Pan
    expiry: Expiry | None
    """DE14 where it was sent."""
    pin_block: PinBlock | None
    data: InquiryData


def read_balance_inquiry(message: IsoMessage, profile: Profile, near: datetime) -> BalanceInquiry:
    """Read an inquiry whose elements are all there; ``near`` supplies DE7's year.

    Raises ``Declined``: 30 with the element, 13 for an amount, 14 for a card number.
    """
    given = message.elements
    _check_times(given)
    _check_track_2(given)
    if given[49] != profile.inquiry.currency:
        raise _fault(49, "is another currency")
    data = _read(48, given, lambda text: read_inquiry_data(text, profile))
    sent_at = _read(7, given, lambda text: read_transmission_stamp(text, near))
    expiry = _read(14, given, Expiry) if 14 in given else None
    terminal, rrn = _read(41, given, TerminalId), _read(37, given, Rrn)
    if int(given[4]) != 0:
        raise Declined(Outcome.AMOUNT_NOT_ZERO, "DE004 is not zero")
    return BalanceInquiry(
        acquirer=AcquirerId(given[32]),
        terminal=terminal,
        channel=Channel(given[18]),
        stan=Stan(given[11]),
        rrn=rrn,
        sent_at=sent_at,
        pan=_pan(given[2], profile),
        expiry=expiry,
        pin_block=PinBlock.from_hex(given[52]) if 52 in given else None,
        data=data,
    )


def _read(number: int, given: Elements, build: Callable[[str], T]) -> T:
    try:
        return build(given[number])
    except ValueError as error:
        raise _fault(number, str(error)) from None


def _pan(digits: str, profile: Profile) -> Pan:
    if len(digits) not in profile.inquiry.pan_lengths:
        raise Declined(Outcome.BAD_PAN, "DE002 has a length the profile does not allow")
    try:
        return Pan(digits)
    except ValueError as error:
        raise Declined(Outcome.BAD_PAN, f"DE002: {error}") from None


_HOUR = re.compile(r"([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]")
LEAP_YEAR = 2000
"""Has every day there is; DE13 and DE15 bring no year."""


def _check_times(given: Elements) -> None:
    if not _HOUR.fullmatch(given[12]):
        raise _fault(12, "is no time of day")
    for number in (13, 15):
        if number in given and not _is_day(given[number]):
            raise _fault(number, "is no day of the calendar")


@lru_cache(64)
def _is_day(text: str) -> bool:
    with suppress(ValueError):
        date(LEAP_YEAR, int(text[:2]), int(text[2:]))
        return True
    return False


def _check_track_2(given: Elements) -> None:
    # Read to be compared, then dropped: it never leaves this function.
    if 35 not in given:
        return
    track = _read(35, given, Track2)
    if track.pan_digits != given[2]:
        raise _fault(35, "holds another card number than DE002")
    if 14 in given and track.expiry_yymm != given[14]:
        raise _fault(35, "holds another expiry than DE014")


def _fault(number: int, what: str) -> Declined:
    return Declined(Outcome.FORMAT_ERROR, f"DE{number:03d} {what}", data_element=number)
