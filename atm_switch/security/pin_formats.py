"""PIN blocks of ISO 9564-1 formats 0, 1, 3 and 4, in the clear and enciphered.

    format 0     0 L P P P P F F F F F F F F F F     XOR the PAN field; TDES
    format 1     1 L P P P P r r r r r r r r r r     r: any digit; no PAN; TDES
    format 3     3 L P P P P x x x x x x x x x x     x: A..F; XOR the PAN field; TDES
    format 4     4 L P P P P A A A A A A A A A A     and 8 bytes of chance; AES, twice
      its PAN    M D D D D D D D D D D D D D D D D 0 ...      M = digits of the PAN less 12

Format 4 enciphers the PIN field, XORs the PAN field of 16 bytes, all its digits and the
check digit too, and enciphers again under the same key (ISO 9564-1:2017).
Plan: clear blocks are bytearrays, wiped by who made them; a deciphered block is judged in
one pass that looks at every digit.
Limits: format 2 is for chip cards off line and is not taken.  Chance comes in as
``entropy``: a count of bytes to that many bytes.
Why one ``None``: a badly formed block, a format that is not allowed and another card's
block must not be told apart, by the answer or by its time (security.md 1.5).
"""

from collections.abc import Callable, Iterator
from enum import Enum, unique

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from atm_switch.domain.card import Pan
from atm_switch.domain.secret import Key, Pin, PinBlock
from atm_switch.security import tdes
from atm_switch.security.pin_block import (
    FIELD_DIGITS,
    FILLER,
    Opened,
    none_but,
    pan_field,
    read_pin_field,
    write_pin_field,
)

Entropy = Callable[[int], bytes]

AES_BLOCK_BYTES = 16
_AES_FILLER = 0xA
_NO_AES_FILLER = none_but([_AES_FILLER])
_AES_FILLER_BYTES = 8
_NO_FIELD = bytes(tdes.BLOCK_BYTES)
_CHANCE_BYTES = 16
"""So much for ten digits out of six that none is likelier than another by 2**-100."""


@unique
class PinFormat(Enum):
    """A format of ISO 9564-1; the value is its control digit."""

    ZERO = "0"
    ONE = "1"
    THREE = "3"
    FOUR = "4"


_FILLERS = {
    PinFormat.ZERO: none_but([FILLER]),
    PinFormat.ONE: none_but(range(16)),
    PinFormat.THREE: none_but(range(10, 16)),
}
"""Which digits may not fill a block of 8 bytes."""
_CONTROLS = {fmt: int(fmt.value) for fmt in PinFormat}
_FILLERS_BY_CONTROL = tuple(
    {_CONTROLS[fmt]: fillers for fmt, fillers in _FILLERS.items()}.get(control, none_but([]))
    for control in range(16)
)
_HAS_PAN = tuple(control != _CONTROLS[PinFormat.ONE] for control in range(16))
_SHORT = sum(1 << _CONTROLS[fmt] for fmt in _FILLERS)
"""A bit for each control digit of a block of 8 bytes."""


def encode_clear(fmt: PinFormat, pin: Pin, pan: Pan, entropy: Callable[[int], bytes]) -> bytearray:
    """Lay out the clear block of 8 bytes in format 0, 1 or 3; the caller wipes it.

    Raises ``ValueError``, without digits, for a PIN of impossible shape and for format 4,
    which has no clear block of its own.
    """
    if fmt not in _FILLERS:
        message = "a clear block has format 0, 1 or 3"
        raise ValueError(message)
    block = bytearray(_field(fmt, pan))
    write_pin_field(block, int(fmt.value), pin, _draw_fillers(fmt, entropy))
    return block


def decode_clear(clear: bytearray, pan: Pan, allowed: frozenset[PinFormat]) -> Pin | None:
    """Read the PIN out of a clear block of 8 bytes.

    ``None`` for a block malformed in any way or of a format that is not ``allowed``;
    every digit is looked at whatever the ones before it were.  ``clear`` is left as it is:
    the caller wipes it, and the ``Pin`` too.
    """
    if len(clear) != tdes.BLOCK_BYTES:
        return None
    return _open_clear(clear, pan, allowed).pin_or_none()


def encipher_pin(
    fmt: PinFormat, pin: Pin, pan: Pan, key: Key, entropy: Callable[[int], bytes]
) -> str:
    """Make the enciphered block: 16 upper-case hex digits, or 32 in format 4.

    Raises ``ValueError``, without digits, for an impossible PIN or a key the format's
    cipher cannot use.
    """
    if fmt is PinFormat.FOUR:
        return _encipher_format_4(pin, pan, key, entropy)
    clear = encode_clear(fmt, pin, pan, entropy)
    try:
        return tdes.encrypt(key, clear).hex().upper()
    finally:
        tdes.wipe_buffer(clear)


def decipher_pin(block: PinBlock, pan: Pan, key: Key, allowed: frozenset[PinFormat]) -> Pin | None:
    """Read the PIN out of an enciphered block: TDES of 8 bytes, AES of 16 (format 4).

    ``None`` as ``decode_clear`` has it; the caller wipes the ``Pin``.  Raises
    ``ValueError``, without digits, for a block of another length or a key its cipher
    cannot use.
    """
    return open_block(block, pan, key, allowed).pin_or_none()


def open_block(block: PinBlock, pan: Pan, key: Key, allowed: frozenset[PinFormat]) -> Opened:
    """Take an enciphered block apart, at one cost whatever is wrong with it.

    Always with a ``Pin``, which the caller wipes; of a block that holds none it is not one, and
    need not be digits.  Raises as ``decipher_pin``.
    """
    if len(block) == AES_BLOCK_BYTES:
        return _open_format_4(block, pan, key, is_allowed=PinFormat.FOUR in allowed)
    if len(block) != tdes.BLOCK_BYTES:
        message = "a PIN block has 8 or 16 bytes"
        raise ValueError(message)
    clear = tdes.decrypt(key, block.reveal())
    try:
        return _open_clear(clear, pan, allowed)
    finally:
        tdes.wipe_buffer(clear)


def _open_clear(clear: bytearray, pan: Pan, allowed: frozenset[PinFormat]) -> Opened:
    control = clear[0] >> 4
    taken = _SHORT & sum([1 << _CONTROLS[fmt] for fmt in allowed])
    field = (_NO_FIELD, pan_field(pan))[_HAS_PAN[control]]
    fillers = _FILLERS_BY_CONTROL[control]
    return read_pin_field(clear, field, fillers, is_wrong=not taken >> control & 1)


def _encipher_format_4(pin: Pin, pan: Pan, key: Key, entropy: Entropy) -> str:
    cipher = _aes(key)
    clear = bytearray(_NO_FIELD + entropy(_AES_FILLER_BYTES))
    try:
        write_pin_field(clear, int(PinFormat.FOUR.value), pin, (_AES_FILLER,) * FIELD_DIGITS)
        between = _xored(_run(cipher.encryptor(), clear), _long_pan_field(pan))
        return _run(cipher.encryptor(), between).hex().upper()
    finally:
        tdes.wipe_buffer(clear)


def _open_format_4(block: PinBlock, pan: Pan, key: Key, *, is_allowed: bool) -> Opened:
    cipher = _aes(key)
    between = _xored(_run(cipher.decryptor(), block.reveal()), _long_pan_field(pan))
    clear = _run(cipher.decryptor(), between)
    try:
        is_wrong = (not is_allowed) | (clear[0] >> 4 != _CONTROLS[PinFormat.FOUR])
        return read_pin_field(clear, _NO_FIELD, _NO_AES_FILLER, is_wrong=is_wrong)
    finally:
        tdes.wipe_buffer(clear)


def _field(fmt: PinFormat, pan: Pan) -> bytes:
    return _NO_FIELD if fmt is PinFormat.ONE else pan_field(pan)


def _long_pan_field(pan: Pan) -> bytes:
    return bytes.fromhex(f"{len(pan.digits) - 12}{pan.digits}".ljust(2 * AES_BLOCK_BYTES, "0"))


def _draw_fillers(fmt: PinFormat, entropy: Entropy) -> tuple[int, ...]:
    if fmt is PinFormat.ZERO:
        return (FILLER,) * FIELD_DIGITS
    lowest, choices = (0, 16) if fmt is PinFormat.ONE else (0xA, 6)
    return tuple(lowest + digit for digit in _digits(entropy(_CHANCE_BYTES), choices))


def _digits(chance: bytes, choices: int) -> Iterator[int]:
    number = int.from_bytes(chance, "big")
    for _ in range(FIELD_DIGITS):
        number, digit = divmod(number, choices)
        yield digit


def _aes(key: Key) -> Cipher[modes.ECB]:
    if len(key) not in (16, 24, 32):
        message = "an AES key has 16, 24 or 32 bytes"
        raise ValueError(message)
    # ECB of single blocks is what the standard says; the PAN field chains the two.
    return Cipher(AES(key.reveal()), modes.ECB())  # noqa: S305


def _run(context: CipherContext, block: bytes | bytearray) -> bytearray:
    # update_into wants room for one block less a byte beyond the result.
    room = bytearray(2 * AES_BLOCK_BYTES - 1)
    try:
        context.update_into(block, room)
        return room[:AES_BLOCK_BYTES]
    finally:
        tdes.wipe_buffer(room)


def _xored(block: bytearray, field: bytes) -> bytearray:
    for at, octet in enumerate(field):
        block[at] ^= octet
    return block
