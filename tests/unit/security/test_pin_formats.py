"""Claims about ISO 9564-1 formats 0, 1, 3 and 4 (vectors: security.md 1.2, IBM, psec)."""

from functools import partial
from hashlib import sha256

import pytest

from atm_switch.domain.card import Pan, luhn_digit
from atm_switch.domain.secret import Key, Pin, PinBlock
from atm_switch.security import pin_block
from atm_switch.security.pin_formats import (
    PinFormat,
    decipher_pin,
    decode_clear,
    encipher_pin,
    encode_clear,
)

ZERO, ONE, THREE, FOUR = PinFormat.ZERO, PinFormat.ONE, PinFormat.THREE, PinFormat.FOUR
ALL = frozenset(PinFormat)
SHORT = (ZERO, ONE, THREE)


def pan_like(digits: str) -> Pan:
    """Make a PAN of published digits, with a check digit that is right."""
    return Pan(digits[:-1] + luhn_digit(digits[:-1]))


def published_pan(digits: str) -> Pan:
    """Make a PAN of published digits as they are: format 4 reads the check digit too."""
    pan = pan_like(digits)
    object.__setattr__(pan, "digits", digits)
    return pan


def chance(size: int) -> bytes:
    """Give chance without surprises."""
    return bytes(range(0x37, 0x37 + size))


def chance_from(first: int, size: int) -> bytes:
    """Give chance that differs from draw to draw."""
    return sha256(bytes((first,))).digest()[:size]


PAN = pan_like("9990091234567890")
OTHER_PAN = pan_like("9990099876543210")
TDES_KEY = Key.from_hex("0123456789ABCDEFFEDCBA9876543210")
AES_KEY = Key.from_hex("00112233445566778899AABBCCDDEEFF")
KEYS = {ZERO: TDES_KEY, ONE: TDES_KEY, THREE: TDES_KEY, FOUR: AES_KEY}


@pytest.mark.parametrize("pin", [b"1234", b"123456", b"123456789012"])
def test_format_0_is_the_pin_block_file(pin: bytes) -> None:
    """Format 0 is one and the same in both files, clear and enciphered."""
    assert pin_block.encode_format_0(Pin(pin), PAN) == encode_clear(ZERO, Pin(pin), PAN, chance)
    assert pin_block.encipher(Pin(pin), PAN, TDES_KEY) == encipher_pin(
        ZERO, Pin(pin), PAN, TDES_KEY, chance
    )


def test_format_3_vector_is_read() -> None:
    """The block of IBM's manual (111222333444555, check digit left out) holds 123456."""
    found = decode_clear(
        bytearray.fromhex("361216759CFA8889"), pan_like("1112223334445550"), frozenset({THREE})
    )

    assert found is not None
    assert b"123456" == found.reveal()


def test_format_3_vector_is_written() -> None:
    """With the manual's filler drawn, the block is the manual's."""
    filler = "AFBECDDC"
    number = sum((int(digit, 16) - 0xA) * 6 ** (6 + at) for at, digit in enumerate(filler))

    block = encode_clear(THREE, Pin(b"123456"), pan_like("1112223334445550"), number.to_bytes)

    assert "361216759CFA8889" == block.hex().upper()


def test_format_1_is_the_pin_in_the_open() -> None:
    """C, L, the digits and chance; the PAN is no part of it."""
    block = encode_clear(ONE, Pin(b"12345"), PAN, chance)

    assert "1512345" == block.hex()[:7]
    assert block == encode_clear(ONE, Pin(b"12345"), OTHER_PAN, chance)


@pytest.mark.parametrize(
    ("pan", "block"),
    [
        ("1234567890123456", "E4BE5B623AF7E006AC319E5B93544564"),
        ("432198765432109870", "88E33C3ACF404F234F10F889C364E377"),
    ],
    ids=["psec manual", "BP-Tools"],
)
def test_format_4_vectors_are_read(pan: str, block: str) -> None:
    """Two published blocks hold 1234, under the same AES key."""
    found = decipher_pin(PinBlock.from_hex(block), published_pan(pan), AES_KEY, frozenset({FOUR}))

    assert found is not None
    assert b"1234" == found.reveal()


def test_format_4_vector_is_written() -> None:
    """With the published chance in the PIN field, the block is the published one."""
    text = encipher_pin(
        FOUR,
        Pin(b"1234"),
        published_pan("432198765432109870"),
        AES_KEY,
        lambda _: bytes.fromhex("146C6601F4A8035C"),
    )

    assert "88E33C3ACF404F234F10F889C364E377" == text


@pytest.mark.parametrize("fmt", PinFormat)
@pytest.mark.parametrize("digits", [b"1234", b"123456", b"999999999999"])
@pytest.mark.parametrize("pan", ["9990091234567890", "9990091234567890123"])
def test_enciphered_pin_comes_back(fmt: PinFormat, digits: bytes, pan: str) -> None:
    """What is enciphered in a format is read where that format alone is allowed."""
    text = encipher_pin(fmt, Pin(digits), pan_like(pan), KEYS[fmt], chance)

    found = decipher_pin(PinBlock.from_hex(text), pan_like(pan), KEYS[fmt], frozenset({fmt}))

    assert found is not None
    assert digits == found.reveal()
    assert text.upper() == text
    assert (32 if fmt is FOUR else 16) == len(text)


@pytest.mark.parametrize("size", [16, 24, 32])
def test_format_4_takes_every_aes_key(size: int) -> None:
    """AES-128, AES-192 and AES-256 all serve."""
    key = Key(bytes(range(size)))

    text = encipher_pin(FOUR, Pin(b"123456"), PAN, key, chance)

    assert decipher_pin(PinBlock.from_hex(text), PAN, key, ALL) is not None


@pytest.mark.parametrize("fmt", PinFormat)
def test_format_not_allowed_holds_no_pin(fmt: PinFormat) -> None:
    """A good block of a format the line does not use is as good as a bad one."""
    block = PinBlock.from_hex(encipher_pin(fmt, Pin(b"1234"), PAN, KEYS[fmt], chance))

    assert decipher_pin(block, PAN, KEYS[fmt], ALL - {fmt}) is None
    assert decipher_pin(block, PAN, KEYS[fmt], ALL) is not None


@pytest.mark.parametrize("fmt", [ZERO, THREE, FOUR])
def test_block_of_another_card_gives_no_pin(fmt: PinFormat) -> None:
    """The formats that hold the PAN say nothing to another card."""
    block = PinBlock.from_hex(encipher_pin(fmt, Pin(b"1234"), PAN, KEYS[fmt], chance))

    assert decipher_pin(block, OTHER_PAN, KEYS[fmt], ALL) is None


@pytest.mark.parametrize(
    "field",
    [
        "0312FFFFFFFFFFFF",
        "0D1234567890123F",
        "041A34FFFFFFFFFF",
        "041234FFFFFFFFFA",
        "1312AAAAAAAAAAAA",
        "1D12345678901234",
        "14123A5678901234",
        "241234FFFFFFFFFF",
        "3312AAAAAAAAAAAA",
        "341234AAAA9AAAAA",
        "34A234AAAAAAAAAA",
        "441234AAAAAAAAAA",
        "541234AAAAAAAAAA",
        "F41234FFFFFFFFFF",
        "0000000000000000",
    ],
)
def test_every_malformed_block_is_none(field: str) -> None:
    """Control, length, digits, filler: whatever is wrong, the answer is the same."""
    bound = bytes(8) if field[0] == "1" else pin_block.pan_field(PAN)
    clear = bytearray(a ^ b for a, b in zip(bytes.fromhex(field), bound, strict=True))

    assert decode_clear(clear, PAN, ALL) is None


@pytest.mark.parametrize("length", [0, 7, 9, 16])
def test_clear_block_of_other_length_is_none(length: int) -> None:
    """A clear block has eight bytes or no PIN."""
    assert decode_clear(bytearray(length), PAN, ALL) is None


def test_decoding_leaves_the_clear_block_alone() -> None:
    """Who made the clear block wipes it."""
    clear = encode_clear(THREE, Pin(b"1234"), PAN, chance)
    before = bytes(clear)

    decode_clear(clear, PAN, ALL)

    assert before == clear


def test_format_3_filler_is_all_of_a_to_f() -> None:
    """Over many draws every filler digit is A to F, and each of the six occurs."""
    seen = set()

    for first in range(200):
        block = encode_clear(THREE, Pin(b"1234"), PAN, partial(chance_from, first))
        field = bytes(a ^ b for a, b in zip(block, pin_block.pan_field(PAN), strict=True))
        seen |= set(field.hex().upper()[6:])

    assert set("ABCDEF") == seen


@pytest.mark.parametrize("fmt", PinFormat)
@pytest.mark.parametrize("digits", [b"", b"123", b"1234567890123", b"12a4"])
def test_impossible_pin_is_refused_unquoted(fmt: PinFormat, digits: bytes) -> None:
    """Only 4 to 12 digits are a PIN, and the error does not quote what was given."""
    with pytest.raises(ValueError, match=r"^a PIN has 4 to 12 digits$"):
        encipher_pin(fmt, Pin(digits), PAN, KEYS[fmt], chance)


def test_format_4_has_no_clear_block_of_8() -> None:
    """Format 4 is not made in the clear."""
    with pytest.raises(ValueError, match="format 0, 1 or 3"):
        encode_clear(FOUR, Pin(b"1234"), PAN, chance)


@pytest.mark.parametrize("length", [0, 7, 9, 15, 17, 32])
def test_block_of_other_length_is_refused(length: int) -> None:
    """An enciphered block has 8 or 16 bytes."""
    with pytest.raises(ValueError, match=r"^a PIN block has 8 or 16 bytes$"):
        decipher_pin(PinBlock(bytes(length)), PAN, TDES_KEY, ALL)


@pytest.mark.parametrize("fmt", PinFormat)
def test_unusable_key_is_refused_both_ways(fmt: PinFormat) -> None:
    """No PIN goes under a key its cipher cannot use."""
    block = PinBlock(bytes(16 if fmt is FOUR else 8))

    with pytest.raises(ValueError, match="key"):
        encipher_pin(fmt, Pin(b"1234"), PAN, Key(bytes(8)), chance)
    with pytest.raises(ValueError, match="key"):
        decipher_pin(block, PAN, Key(bytes(8)), ALL)


@pytest.mark.parametrize("fmt", PinFormat)
def test_enciphering_leaves_the_pin_alone(fmt: PinFormat) -> None:
    """Who made a PIN wipes it: encipher neither wipes nor alters it."""
    pin = Pin(b"123456")

    encipher_pin(fmt, pin, PAN, KEYS[fmt], chance)

    assert b"123456" == pin.reveal()
