"""0200/0201 into a typed inquiry: what is asked, by whom, about which card.

Every door of the corridor takes this or what grew out of it.  Reading it judges the form
(30), the amount (13) and the card number (14); whether anybody may ask is not known here.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from functools import lru_cache

from atm_switch.domain.card import Expiry, Pan, Track2
from atm_switch.domain.errors import Declined
from atm_switch.domain.identifiers import (
    AcquirerId,
    Channel,
    Rrn,
    Stan,
    TerminalId,
    acquirer_id,
    channel,
    terminal_id,
)
from atm_switch.domain.instant import read_transmission_stamp
from atm_switch.domain.outcome import Outcome
from atm_switch.domain.secret import PinBlock
from atm_switch.domain.value import value
from atm_switch.messages.inquiry_data import InquiryData, read_inquiry_data
from atm_switch.profile.model import Profile

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


def read_balance_inquiry(
    given: Elements, profile: Profile, near: datetime, pan: Pan | None = None
) -> BalanceInquiry:
    """Read an inquiry whose elements are all there; ``near`` supplies DE7's year.

    ``pan``: the one of DE2, if it was made before.
    Raises ``Declined``: 30 with the element, 13 for an amount, 14 for a card number.
    """
    _check_times(given)
    _check_track_2(given)
    if given[49] != profile.inquiry.currency:
        raise _fault(49, "is another currency")
    at = 48  # which element is read, for a fault to name it
    try:
        data = read_inquiry_data(given[at], profile)
        sent_at = read_transmission_stamp(given[at := 7], near)
        expiry = Expiry(given[at := 14]) if 14 in given else None
        terminal, rrn = terminal_id(given[at := 41]), Rrn(given[at := 37])
    except ValueError as error:
        raise _fault(at, str(error)) from None
    if int(given[4]) != 0:
        raise Declined(Outcome.AMOUNT_NOT_ZERO, "DE004 is not zero")
    return BalanceInquiry(  # by place: by name it takes twice as long
        acquirer_id(given[32]),
        terminal,
        channel(given[18]),
        Stan(given[11]),
        rrn,
        sent_at,
        _pan(given[2], profile, pan),
        expiry,
        PinBlock.from_hex(given[52]) if 52 in given else None,
        data,
    )


def _pan(digits: str, profile: Profile, known: Pan | None) -> Pan:
    if len(digits) not in profile.inquiry.pan_lengths:
        raise Declined(Outcome.BAD_PAN, "DE002 has a length the profile does not allow")
    if known is not None and known.digits == digits:
        return known
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
    try:
        track = Track2(given[35])
    except ValueError as error:
        raise _fault(35, str(error)) from None
    if track.pan_digits != given[2]:
        raise _fault(35, "holds another card number than DE002")
    if 14 in given and track.expiry_yymm != given[14]:
        raise _fault(35, "holds another expiry than DE014")


def _fault(number: int, what: str) -> Declined:
    return Declined(Outcome.FORMAT_ERROR, f"DE{number:03d} {what}", data_element=number)
