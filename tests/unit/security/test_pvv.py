"""Claims about the Visa PVV (vectors: security.md 1.2).

The published PANs' last digits are set right for Luhn: the check digit is no part of
the value.
"""

import pytest

from atm_switch.domain.card import Pan, luhn_digit
from atm_switch.domain.secret import Key, Pin
from atm_switch.security import tdes
from atm_switch.security.pvv import pvv_matches, visa_pvv


def pan_like(digits: str) -> Pan:
    """Make a PAN of published digits, with a check digit that is right."""
    return Pan(digits[:-1] + luhn_digit(digits[:-1]))


SECOND_SCAN_PVK = "8EB92D641BD509FA3A6461283EED1582"
PUBLISHED = [
    pytest.param(
        "5CA64B3C22BEC347CA7E6609904BAAED",
        "4564320000980369",
        "1",
        "2205",
        "3856",
        id="cardutil",
    ),
    pytest.param(
        "0123456789ABCDEFFEDCBA9876543210",
        "1122334455667788",
        "3",
        "4524",
        "4021",
        id="psec",
    ),
    pytest.param(SECOND_SCAN_PVK, "4441234567890123", "1", "1234", "2051", id="second scan"),
]
PVK = Key.from_hex("0123456789ABCDEFFEDCBA9876543210")
PAN = pan_like("9990091234567890")


@pytest.mark.parametrize(("pvk", "pan", "pvki", "pin", "pvv"), PUBLISHED)
def test_value_matches_published_vectors(pvk: str, pan: str, pvki: str, pin: str, pvv: str) -> None:
    """The value is the published one, and matches itself."""
    key, card = Key.from_hex(pvk), pan_like(pan)

    assert pvv == visa_pvv(Pin(pin.encode()), card, pvki, key)
    assert pvv_matches(Pin(pin.encode()), card, pvki, key, pvv)


def test_second_scan_vector_has_few_digits() -> None:
    """The vector's cipher has three decimal digits only, so the scan is really needed."""
    pan_digits = pan_like("4441234567890123").digits[-12:-1]
    block = bytes.fromhex(pan_digits + "1" + "1234")

    cipher = tdes.encrypt(Key.from_hex(SECOND_SCAN_PVK), block).hex().upper()

    assert "AFBBFACAAFFDFFF2" == cipher


def test_only_four_leftmost_digits_count() -> None:
    """A longer PIN has the value of its first four digits: the method's own limit."""
    expected = visa_pvv(Pin(b"1234"), PAN, "1", PVK)

    assert expected == visa_pvv(Pin(b"123456"), PAN, "1", PVK)
    assert expected == visa_pvv(Pin(b"123499"), PAN, "1", PVK)
    assert expected != visa_pvv(Pin(b"123556"), PAN, "1", PVK)


def test_index_is_part_of_value() -> None:
    """The same PIN under another index has another value."""
    assert visa_pvv(Pin(b"1234"), PAN, "1", PVK) != visa_pvv(Pin(b"1234"), PAN, "2", PVK)


@pytest.mark.parametrize("pvki", ["", "11", "A", "\u0661"])
def test_index_is_one_digit(pvki: str) -> None:
    """An index of another shape is refused."""
    with pytest.raises(ValueError, match="a PVKI is one digit"):
        visa_pvv(Pin(b"1234"), PAN, pvki, PVK)


@pytest.mark.parametrize("digits", [b"123", b"1234567890123", b"12e4"])
def test_impossible_pin_has_no_value(digits: bytes) -> None:
    """Only 4 to 12 digits have a value, and the error does not quote them."""
    with pytest.raises(ValueError, match="a PIN has 4 to 12 digits") as caught:
        visa_pvv(Pin(digits), PAN, "1", PVK)

    assert digits.decode() not in str(caught.value)


@pytest.mark.parametrize("stored", ["", "0000", "385", "38560", "3856 ", "\u0663856"])
def test_any_other_value_does_not_match(stored: str) -> None:
    """A stored value that differs in a digit, in length or in script is wrong."""
    pvk, pan = Key.from_hex("5CA64B3C22BEC347CA7E6609904BAAED"), Pan("4564320000980369")

    assert not pvv_matches(Pin(b"2205"), pan, "1", pvk, stored)


def test_computing_leaves_the_pin_alone() -> None:
    """Who made a PIN wipes it: computing a value does not."""
    pin = Pin(b"123456")

    visa_pvv(pin, PAN, "1", PVK)

    assert b"123456" == pin.reveal()
