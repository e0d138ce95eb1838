"""One ATM as a value: who it is, its counters, and the requests it makes.

Plan: a request is made from every element the emulator has a source for, cut down to
those the profile's rule allows; a mandatory one without a source is our mistake.
Pure: the moment is an argument, and so is the first STAN (chance belongs to the edge).
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, unique

from atm_switch.domain.card import Pan, luhn_digit
from atm_switch.domain.identifiers import AcquirerId, Channel, TerminalId
from atm_switch.domain.instant import Zone, transmission_stamp
from atm_switch.domain.secret import Key, Pin
from atm_switch.messages.inquiry_data import InquiryData, write_inquiry_data
from atm_switch.profile.model import MessageRule, Profile
from atm_switch.security.pin_formats import PinFormat, encipher_pin
from atm_switch.wire.message import IsoMessage

STAN_MAX = 999_999
CHIP_AND_PIN = "051"
"""DE22: read from the chip, the terminal can take a PIN (ISO 8583:1987, element 22)."""
PRESENTED_NORMALLY = "02"
"""DE25 as the ATMs of the golden request send it (domain.md 6)."""
PIN_FIELD_PAN_DIGITS = 15


@unique
class Verb(Enum):
    """What a network management message asks; the value is its name on the command line."""

    SIGN_ON = "sign-on"
    SIGN_OFF = "sign-off"
    ECHO = "echo"
    KEY_REQUEST = "request-keys"


@dataclass(frozen=True, slots=True)
class Station:
    """What a terminal tells of itself in every request.

    Raises ``ValueError`` for a card acceptor or location of a wrong width.
    """

    acquirer: AcquirerId
    terminal: TerminalId
    card_acceptor: str
    location: str
    channel: Channel
    zone: Zone

    def __post_init__(self) -> None:
        """Let no station exist whose elements could not be written."""
        if len(self.card_acceptor) != 15 or len(self.location) != 40:
            message = "a card acceptor has 15 characters, its location 40"
            raise ValueError(message)


class Terminal:
    """Makes the requests of one ATM; the only thing that changes is its STAN."""

    def __init__(
        self,
        profile: Profile,
        station: Station,
        pin_key: Key | None = None,
        first_stan: int = 1,
        entropy: Callable[[int], bytes] = os.urandom,
        *,
        names_itself: bool = False,
    ) -> None:
        """Start counting at ``first_stan``, 1 to 999999.  Raises ``ValueError``."""
        if not 1 <= first_stan <= STAN_MAX:
            message = f"a STAN is from 1 to {STAN_MAX}"
            raise ValueError(message)
        self.profile = profile
        self.station = station
        self.pin_key = pin_key
        self.next_stan = first_stan
        """Of the message that is made next."""
        self._entropy = entropy
        self._names_itself = names_itself
        """An 0800 tells the terminal too: its keys are its own."""

    def network(self, verb: Verb, now: datetime) -> IsoMessage:
        """Make an 0800; ``now`` is UTC."""
        codes = self.profile.network
        code = {
            Verb.SIGN_ON: codes.sign_on,
            Verb.SIGN_OFF: codes.sign_off,
            Verb.ECHO: codes.echo,
            Verb.KEY_REQUEST: self.profile.security.key_request,
        }
        rule = self.profile.messages["network"]
        elements = {
            7: transmission_stamp(now),
            11: self._take_stan(),
            32: self.station.acquirer.text,
            70: code[verb],
        }
        if self._names_itself:
            elements[41] = self.station.terminal.text
        return _request(rule, elements)

    def inquiry(
        self, pan: str, data: InquiryData, now: datetime, pin: Pin | None = None
    ) -> IsoMessage:
        """Make an 0200; ``now`` is UTC, ``pan`` any digits a tester wants to send.

        Without a ``pin`` there is no DE52.  Raises ``ValueError``, without the digits, for
        a PIN without a key, an impossible PIN, or data the profile has no place for.
        """
        stan, rule = self._take_stan(), self.profile.messages["inquiry"]
        elements = {
            2: pan,
            3: rule.processing_codes[0].replace("x", "0"),
            4: "0" * 12,
            7: transmission_stamp(now),
            11: stan,
            22: CHIP_AND_PIN,
            25: PRESENTED_NORMALLY,
            37: retrieval_reference(now, stan),
            48: write_inquiry_data(data, self.profile),
            49: self.profile.inquiry.currency,
            **self._local_times(now),
            **self._who(),
        }
        if pin is not None:
            elements[52] = self._pin_block(pan, pin)
        return _request(rule, elements)

    def _take_stan(self) -> str:
        stan = self.next_stan
        self.next_stan = stan % STAN_MAX + 1
        return f"{stan:06d}"

    def _local_times(self, now: datetime) -> dict[int, str]:
        local = now.astimezone(self.station.zone.tzinfo)
        business = now.astimezone(Zone.WIB.tzinfo)
        return {12: f"{local:%H%M%S}", 13: f"{local:%m%d}", 15: f"{business:%m%d}"}

    def _who(self) -> dict[int, str]:
        station = self.station
        return {
            18: station.channel.text,
            32: station.acquirer.text,
            41: station.terminal.text,
            42: station.card_acceptor,
            43: station.location,
        }

    def _pin_block(self, pan: str, pin: Pin) -> str:
        if self.pin_key is None:
            message = "a PIN needs the terminal's key"
            raise ValueError(message)
        form = PinFormat(self.profile.security.pin_block_formats[0])
        return encipher_pin(form, pin, _pan_of_block(pan), self.pin_key, self._entropy)


def retrieval_reference(now: datetime, stan: str) -> str:
    """Write DE37, ``YDDDHH`` in UTC and the STAN (domain.md 4.6)."""
    return f"{now:%Y%j%H}"[3:] + stan


def _pan_of_block(pan: str) -> Pan:
    # Format 0 leaves the check digit out, so a card number that a tester spoilt on purpose
    # has the same PIN field as the sound one beside it.
    body = pan[:-1].rjust(PIN_FIELD_PAN_DIGITS, "0")
    return Pan(body + luhn_digit(body))


def _request(rule: MessageRule, elements: dict[int, str]) -> IsoMessage:
    missing = sorted(rule.mandatory - elements.keys())
    if missing:
        message = f"the emulator has nothing to send as {missing}, which the profile demands"
        raise ValueError(message)
    allowed = rule.mandatory | rule.optional
    return IsoMessage(rule.mti[0], {n: elements[n] for n in sorted(elements) if n in allowed})
