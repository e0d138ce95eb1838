"""Claims about the IBM 3624 offset (vectors: security.md 1.2)."""

import pytest

from atm_switch.domain.card import Pan, luhn_digit
from atm_switch.domain.secret import Key, Pin
from atm_switch.security.ibm3624 import (
    ibm3624_offset,
    natural_pin,
    offset_matches,
    require_fixed_table,
)

TABLE = "1234567890123456"
PVK = Key.from_hex("0123456789ABCDEFFEDCBA9876543210")


def published_pan(digits: str) -> Pan:
    """Make a PAN of published digits as they are: the offset reads the check digit too."""
    pan = Pan(digits[:-1] + luhn_digit(digits[:-1]))
    object.__setattr__(pan, "digits", digits)
    return pan


PAN = published_pan("1122334455667788")


def test_natural_pin_matches_published_vector() -> None:
    """With offset 0000 the card's PIN is the published 4524."""
    assert b"4524" == natural_pin(PAN, PVK, TABLE).reveal()


def test_offset_matches_published_vector() -> None:
    """The published PIN 4524 has the offset 0000, and matches it."""
    assert "0000" == ibm3624_offset(Pin(b"4524"), PAN, PVK, TABLE)
    assert offset_matches(Pin(b"4524"), PAN, PVK, TABLE, "0000")


@pytest.mark.parametrize(
    ("pin", "offset"),
    [(b"5635", "1111"), (b"4523", "0009"), (b"3413", "9999"), (b"0000", "6586")],
)
def test_offset_counts_digits_without_borrowing(pin: bytes, offset: str) -> None:
    """Each digit is a difference for itself, from 0 to 9."""
    assert offset == ibm3624_offset(Pin(pin), PAN, PVK, TABLE)


def test_only_four_leftmost_digits_count() -> None:
    """A longer PIN has the offset of its first four digits: check length 4."""
    assert "0000" == ibm3624_offset(Pin(b"452499"), PAN, PVK, TABLE)
    assert "0000" != ibm3624_offset(Pin(b"453499"), PAN, PVK, TABLE)


def test_validation_data_are_the_rightmost_digits() -> None:
    """Of a longer PAN the sixteen rightmost digits count, and no others."""
    longer = published_pan("999" + PAN.digits)

    assert b"4524" == natural_pin(longer, PVK, TABLE).reveal()


@pytest.mark.parametrize("stored", ["", "0001", "000", "00000", "0000 ", "\u0660000"])
def test_any_other_offset_does_not_match(stored: str) -> None:
    """A stored offset that differs in a digit, in length or in script is wrong."""
    assert not offset_matches(Pin(b"4524"), PAN, PVK, TABLE, stored)


@pytest.mark.parametrize(
    "table",
    [
        "",
        "123456789012345",
        "12345678901234567",
        "123456789012345A",
        "123456789012345\u0666",
        "1234567890123456\n",
        "0000000000000000",
        "0000000100000000",
        "0123456701234567",
        "0123456780123456",
        "0123456789000123",
        "0123456789012222",
    ],
)
def test_degenerate_table_is_refused(table: str) -> None:
    """A table that marks a digit out is an oracle, so only balanced ones are taken."""
    with pytest.raises(ValueError, match="a decimalisation table has"):
        require_fixed_table(table)
    with pytest.raises(ValueError, match="a decimalisation table has"):
        offset_matches(Pin(b"4524"), PAN, PVK, table, "0000")


@pytest.mark.parametrize("table", [TABLE, "0123456789012345", "9876543210987654"])
def test_balanced_table_is_taken(table: str) -> None:
    """Every digit once or twice is what a table may be."""
    require_fixed_table(table)


@pytest.mark.parametrize("digits", [b"123", b"1234567890123", b"12e4"])
def test_impossible_pin_has_no_offset(digits: bytes) -> None:
    """Only 4 to 12 digits have an offset, and the error does not quote them."""
    with pytest.raises(ValueError, match=r"^a PIN has 4 to 12 digits$"):
        ibm3624_offset(Pin(digits), PAN, PVK, TABLE)


def test_computing_leaves_the_pin_alone() -> None:
    """Who made a PIN wipes it: computing an offset does not."""
    pin = Pin(b"123456")

    ibm3624_offset(pin, PAN, PVK, TABLE)

    assert b"123456" == pin.reveal()
