"""Claims about ISO 9564-1 format 0 (vectors: security.md 1.2).

The published PANs' last digits are set right for Luhn: the check digit is no part of
the block.
"""

import pytest

from atm_switch.domain.card import Pan, luhn_digit
from atm_switch.domain.secret import Key, Pin, PinBlock
from atm_switch.security import tdes
from atm_switch.security.pin_block import (
    decipher,
    decode_format_0,
    encipher,
    encode_format_0,
    pin_digits,
)


def pan_like(digits: str) -> Pan:
    """Make a PAN of published digits, with a check digit that is right."""
    return Pan(digits[:-1] + luhn_digit(digits[:-1]))


PAN = pan_like("9990091234567890")
KEY = Key.from_hex("0123456789ABCDEFFEDCBA9876543210")
PUBLISHED = [
    pytest.param("1234", "43219876543210987", "0412AC89ABCDEF67", id="BP-Tools"),
    pytest.param("1234", "4441234567890123", "041226CBA9876FED", id="cardutil"),
    pytest.param("92389", "4000001234562000", "0592389EDCBA9DFF", id="corrected"),
]


@pytest.mark.parametrize(("pin", "pan", "block"), PUBLISHED)
def test_encoding_matches_published_vectors(pin: str, pan: str, block: str) -> None:
    """The clear block is the published one."""
    assert bytes.fromhex(block) == encode_format_0(Pin(pin.encode()), pan_like(pan))


@pytest.mark.parametrize(("pin", "pan", "block"), PUBLISHED)
def test_decoding_matches_published_vectors(pin: str, pan: str, block: str) -> None:
    """The published block gives the PIN back and is left as it was."""
    clear = bytearray.fromhex(block)

    found = decode_format_0(clear, pan_like(pan))

    assert found is not None
    assert pin.encode() == found.reveal()
    assert bytes.fromhex(block) == clear


def test_leftmost_pan_digits_are_not_used() -> None:
    """The public vector that mixes in the leftmost PAN digits is wrong, and not ours."""
    wrong = bytes.fromhex("0592789FFFEDCBA9")

    assert wrong != encode_format_0(Pin(b"92389"), pan_like("4000001234562000"))


@pytest.mark.parametrize("digits", ["1234", "123456", "123456789012"])
@pytest.mark.parametrize("pan", ["9990091234567890", "9990091234567890123"])
def test_enciphered_pin_comes_back(digits: str, pan: str) -> None:
    """What the terminal enciphers, the switch reads."""
    text = encipher(Pin(digits.encode()), pan_like(pan), KEY)

    clear = decipher(PinBlock.from_hex(text), KEY)
    found = decode_format_0(clear, pan_like(pan))

    assert 16 == len(text)
    assert text.upper() == text
    assert found is not None
    assert digits.encode() == found.reveal()


@pytest.mark.parametrize(
    "field",
    [
        "141234FFFFFFFFFF",
        "341234FFFFFFFFFF",
        "F41234FFFFFFFFFF",
        "03123FFFFFFFFFFF",
        "00FFFFFFFFFFFFFF",
        "0D1234567890123F",
        "0E12345678901234",
        "0F12345678901234",
        "04123AFFFFFFFFFF",
        "04A234FFFFFFFFFF",
        "041234FFFFFFFFF0",
        "0412345FFFFFFFFF",
        "051234FFFFFFFFFF",
        "0000000000000000",
    ],
)
def test_every_malformed_block_is_none(field: str) -> None:
    """Control, length, digits, filler: whatever is wrong, the answer is the same."""
    pan_field = bytes.fromhex("0000" + PAN.digits[-13:-1])
    clear = bytearray(a ^ b for a, b in zip(bytes.fromhex(field), pan_field, strict=True))

    assert decode_format_0(clear, PAN) is None


@pytest.mark.parametrize("length", [0, 7, 9, 16])
def test_clear_block_of_other_length_is_none(length: int) -> None:
    """A clear block has eight bytes or no PIN."""
    assert decode_format_0(bytearray(length), PAN) is None


def test_block_of_another_card_gives_no_pin() -> None:
    """A block moved to a card with other digits is malformed here."""
    clear = encode_format_0(Pin(b"1234"), PAN)

    assert decode_format_0(clear, pan_like("9990099876543210")) is None


@pytest.mark.parametrize("digits", [b"", b"123", b"1234567890123", b"12a4", b"12 4", b"\xb2345"])
def test_impossible_pin_is_refused_unquoted(digits: bytes) -> None:
    """Only 4 to 12 digits are a PIN, and the error does not quote what was given."""
    with pytest.raises(ValueError, match="a PIN has 4 to 12 digits") as caught:
        encode_format_0(Pin(digits), PAN)

    assert "a PIN has 4 to 12 digits" == str(caught.value)


@pytest.mark.parametrize("length", [0, 7, 9, 16])
def test_block_of_other_length_is_not_deciphered(length: int) -> None:
    """DE52 has eight bytes."""
    with pytest.raises(ValueError, match="a PIN block has 8 bytes"):
        decipher(PinBlock(bytes(length)), KEY)


def test_wiping_reaches_the_only_buffer() -> None:
    """The digits lent out are the PIN's own buffer, so wiping the PIN wipes them."""
    pin = Pin(b"123456")
    lent = pin_digits(pin)

    pin.wipe()

    assert bytearray(6) == lent
    assert bytes(6) == pin.reveal()


def test_enciphering_leaves_the_pin_alone() -> None:
    """Who made a PIN wipes it: encipher neither wipes nor alters it."""
    pin = Pin(b"123456")

    encipher(pin, PAN, KEY)

    assert b"123456" == pin.reveal()


def test_unusable_key_is_refused() -> None:
    """No PIN is enciphered under single DES."""
    with pytest.raises(ValueError, match="TDES key"):
        encipher(Pin(b"1234"), PAN, Key(bytes(8)))


def test_block_is_enciphered_by_tdes() -> None:
    """Enciphering is one TDES block over the clear block, nothing more."""
    clear = encode_format_0(Pin(b"1234"), PAN)

    assert tdes.encrypt(KEY, clear).hex().upper() == encipher(Pin(b"1234"), PAN, KEY)
