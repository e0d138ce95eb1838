"""The PIN block of DE52: ISO 9564-1 format 0, enciphered under a terminal's or bank's key.

    PIN field    0 L P P P P F F F F F F F F F F     L = 4..12, digits, filler F
    PAN field    0 0 0 0 A A A A A A A A A A A A     12 rightmost digits less the check digit
    clear block  PIN field XOR PAN field

Plan: clear PINs live in bytearrays and ``Pin`` only, never in a ``str`` or ``bytes``; who
makes a clear buffer wipes it.  ``write_pin_field`` and ``read_pin_field`` are what the
formats share; the others build on them in ``pin_formats``.
Limits: format 0 only here.
Why one answer for every wrong: a host that tells "badly formed" from "wrong PIN" can be
asked for the PIN, a digit at a time (security.md 1.5).
"""

from collections.abc import Container, Sequence
from typing import NamedTuple

from atm_switch.domain.card import Pan
from atm_switch.domain.secret import Key, Pin, PinBlock
from atm_switch.security import tdes

PIN_DIGITS_MIN = 4
PIN_DIGITS_MAX = 12
_USUAL_DIGITS = 6
FIELD_DIGITS = 14
"""What follows the control and length digits: PIN digits, then filler."""
FILLER = 0xF
_ASCII_ZERO = 0x30
_SHIFTS = (4, 0) * (FIELD_DIGITS // 2)


def none_but(allowed: Container[int]) -> bytes:
    """Return a table of the sixteen digits: 0 for each that is ``allowed``, 1 for the others."""
    return bytes(digit not in allowed for digit in range(16))


_NO_LENGTH = none_but(range(PIN_DIGITS_MIN, PIN_DIGITS_MAX + 1))
_NO_DIGIT = none_but(range(10))
_NO_FILLER = none_but([FILLER])


def pin_digits(pin: Pin) -> bytearray:
    """Lend the PIN's own buffer of ASCII digits; not a copy, and not to be kept.

    Raises ``ValueError``, without the digits, unless it holds 4 to 12 of them.
    """
    digits = pin._buffer  # noqa: SLF001 - reveal() would leave a copy nobody can wipe
    if not PIN_DIGITS_MIN <= len(digits) <= PIN_DIGITS_MAX or not digits.isdigit():
        message = "a PIN has 4 to 12 digits"
        raise ValueError(message)
    return digits


def pan_field(pan: Pan) -> bytes:
    """Return the 8 bytes that bind a block to the card: 12 rightmost digits less the last."""
    return bytes.fromhex("0000" + pan.digits[-13:-1])


def write_pin_field(block: bytearray, control: int, pin: Pin, fillers: Sequence[int]) -> None:
    """Lay the PIN field of 8 bytes over ``block`` by XOR, in place.

    ``control`` is the format's digit; ``fillers``, one per place after the length, fill
    the places the PIN leaves.  Raises ``ValueError``, without the digits, for a PIN of
    impossible shape.
    """
    digits = pin_digits(pin)
    block[0] ^= control << 4 | len(digits)
    for place in range(FIELD_DIGITS):
        nibble = digits[place] - _ASCII_ZERO if place < len(digits) else fillers[place]
        block[1 + place // 2] ^= nibble if place % 2 else nibble << 4


class Opened(NamedTuple):
    """What came out of a block: always a PIN to wipe, and whether it is one."""

    pin: Pin
    is_good: bool

    def pin_or_none(self) -> Pin | None:
        """Return the PIN, to be wiped; one that is none is wiped here."""
        if self.is_good:
            return self.pin
        self.pin.wipe()
        return None


def read_pin_field(clear: bytearray, field: bytes, fillers: bytes, *, is_wrong: bool) -> Opened:
    """Read the PIN out of 8 bytes or more laid over ``field``.

    ``fillers`` tells which digits may not fill (``none_but``); ``is_wrong`` says that the
    block is no good already.  Every digit is looked at, whatever is wrong, and a PIN is made of
    a wrong field too: what depends on the digits is looked up, never branched on, so neither
    work nor time tells.  The control digit is the caller's to judge.  ``clear`` is left as it
    is.
    """
    length = clear[0] & 0xF
    wrong = int(is_wrong) | _NO_LENGTH[length]
    digits = bytearray(FIELD_DIGITS)
    for place in range(FIELD_DIGITS):
        nibble = ((clear[1 + place // 2] ^ field[1 + place // 2]) >> _SHIFTS[place]) & 0xF
        wrong |= (fillers, _NO_DIGIT)[place < length][nibble]
        digits[place] = _ASCII_ZERO + nibble
    taken = digits[: (length, _USUAL_DIGITS)[wrong]]
    pin = Pin(taken)
    tdes.wipe_buffer(digits)
    tdes.wipe_buffer(taken)
    return Opened(pin, (True, False)[wrong])


def encode_format_0(pin: Pin, pan: Pan) -> bytearray:
    """Lay out the clear block of 8 bytes; the caller wipes it.

    Raises ``ValueError``, without the digits, for a PIN of impossible shape.
    """
    block = bytearray(pan_field(pan))
    write_pin_field(block, 0, pin, (FILLER,) * FIELD_DIGITS)
    return block


def decode_format_0(clear: bytearray, pan: Pan) -> Pin | None:
    """Read the PIN out of a clear block, or ``None`` for a block malformed in any way.

    Every digit is looked at whatever the ones before it were.  ``clear`` is left as it
    is: the caller wipes it, and the ``Pin`` too.
    """
    if len(clear) != tdes.BLOCK_BYTES:
        return None
    is_wrong = clear[0] >> 4 != 0
    return read_pin_field(clear, pan_field(pan), _NO_FILLER, is_wrong=is_wrong).pin_or_none()


def encipher(pin: Pin, pan: Pan, key: Key) -> str:
    """Make DE52 as the ASCII profile carries it: 16 upper-case hex digits.

    The terminal's side.  Raises ``ValueError`` for an impossible PIN or unusable key.
    """
    clear = encode_format_0(pin, pan)
    try:
        return tdes.encrypt(key, clear).hex().upper()
    finally:
        tdes.wipe_buffer(clear)


def decipher(block: PinBlock, key: Key) -> bytearray:
    """Return the clear block of 8 bytes; the caller wipes it.

    Raises ``ValueError`` for a block that has not 8 bytes or an unusable key.
    """
    if len(block) != tdes.BLOCK_BYTES:
        message = "a PIN block has 8 bytes"
        raise ValueError(message)
    return tdes.decrypt(key, block.reveal())
