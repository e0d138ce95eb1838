"""Claims about the requests an ATM makes."""

from datetime import UTC, datetime

import pytest

from atm_switch.domain.card import Pan
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.secret import Key, Pin, PinBlock
from atm_switch.messages.inquiry_data import InquiryData, Lookup
from atm_switch.security.pin_block import decipher, decode_format_0
from atm_switch.wire.packager import Packager
from terminal_emulator.kit import BARE_KIT
from terminal_emulator.terminal import Terminal, Verb
from tests.unit.terminal_emulator.host import PAN, PIN_KEY, PROFILE

MOMENT = datetime(2025, 6, 30, 7, 25, 7, tzinfo=UTC)
GOLDEN_REQUEST = (
    b"0200723A448108E1800016999009000000001231000000000000000006300725070001231425070630"
    b"0630601105102"
    b"03009518107000123S1ABC123BNI000000000001ATM KC HARMONI        JAKARTA       ID  "
    b"040JHTBAL0000000000000000000000000000ID0040360"
)
BY_CARD = InquiryData(Lookup.CARD, "ID")


def terminal(first_stan: int = 123, key: str = PIN_KEY) -> Terminal:
    """Make the terminal of domain.md 6."""
    return Terminal(PROFILE, BARE_KIT.station, Key.from_hex(key), first_stan)


def test_golden_inquiry_is_made_byte_for_byte() -> None:
    """The terminal of the design's example makes exactly the example's 221 bytes."""
    request = terminal().inquiry(PAN, BY_CARD, MOMENT)

    payload = Packager(PROFILE).pack(request)

    assert (GOLDEN_REQUEST, 221) == (payload, len(payload))


def test_echo_names_acquirer_and_code() -> None:
    """An echo carries DE7, DE11, DE32 and DE70, and nothing else."""
    request = terminal().network(Verb.ECHO, MOMENT)

    assert {7: "0630072507", 11: "000123", 32: "009", 70: "301"} == dict(request.elements)


@pytest.mark.parametrize(("verb", "code"), [(Verb.SIGN_ON, "001"), (Verb.SIGN_OFF, "002")])
def test_each_verb_has_its_code(verb: Verb, code: str) -> None:
    """Sign-on and sign-off carry the profile's codes."""
    assert code == terminal().network(verb, MOMENT)[70]


def test_stan_starts_over_after_its_last() -> None:
    """After 999999 comes 000001, never 000000."""
    atm = terminal(first_stan=999_999)

    stans = [atm.network(Verb.ECHO, MOMENT)[11] for _ in range(2)]

    assert ["999999", "000001"] == stans


@pytest.mark.parametrize("first", [0, 1_000_000])
def test_stan_outside_its_range_is_refused(first: int) -> None:
    """A terminal cannot start at a STAN that does not exist."""
    with pytest.raises(ValueError, match="a STAN is from 1 to 999999"):
        terminal(first_stan=first)


def test_reference_is_day_hour_and_stan() -> None:
    """DE37 is the year's last digit, day of the year, UTC hour and STAN."""
    request = terminal().inquiry(PAN, BY_CARD, datetime(2027, 1, 2, 23, 0, tzinfo=UTC))

    assert "700223000123" == request[37]


def test_local_time_follows_the_zone() -> None:
    """Late in the evening UTC it is already tomorrow at the machine, and in Jakarta."""
    request = terminal().inquiry(PAN, BY_CARD, datetime(2025, 12, 31, 18, 30, tzinfo=UTC))

    assert ("013000", "0101", "0101") == (request[12], request[13], request[15])


def test_pin_travels_in_a_block() -> None:
    """DE52 deciphers to the PIN under the terminal's key."""
    request = terminal().inquiry(PAN, BY_CARD, MOMENT, Pin(b"1234"))

    clear = decipher(PinBlock.from_hex(request[52]), Key.from_hex(PIN_KEY))
    pin = decode_format_0(clear, Pan(PAN))

    assert pin is not None
    assert b"1234" == pin.reveal()


def test_wrong_check_digit_keeps_the_block() -> None:
    """A card number spoilt on purpose is still sent, with the PIN block of the sound one."""
    sound = terminal().inquiry(PAN, BY_CARD, MOMENT, Pin(b"1234"))

    spoilt = terminal().inquiry(PAN[:-1] + "3", BY_CARD, MOMENT, Pin(b"1234"))

    assert (PAN[:-1] + "3", sound[52]) == (spoilt[2], spoilt[52])


def test_pin_without_key_is_refused() -> None:
    """Without the terminal's key a PIN never leaves, in any form."""
    atm = Terminal(PROFILE, BARE_KIT.station, None)

    with pytest.raises(ValueError, match="a PIN needs the terminal's key"):
        atm.inquiry(PAN, BY_CARD, MOMENT, Pin(b"1234"))


def test_every_mandatory_element_is_there() -> None:
    """An inquiry by KPJ holds all the profile demands and nothing it forbids."""
    wish = InquiryData(Lookup.KPJ, "EN", kpj=Kpj("12345678901"), receipt_width=0)
    rule = PROFILE.messages["inquiry"]

    sent = set(terminal().inquiry(PAN, wish, MOMENT, Pin(b"1234")).elements)

    assert rule.mandatory <= sent <= rule.mandatory | rule.optional
