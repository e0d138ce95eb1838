"""Triple DES in ECB mode, key parity and the key check value (ANSI X9.24, ISO/IEC 18033-3).

Plan: ``encrypt`` and ``decrypt`` work into a ``bytearray``, so that whoever asked for a
clear PIN block can wipe it again with ``wipe_buffer``.
Limits: no single DES and no key whose halves are the same (that *is* single DES); the
key itself stays behind in ``bytes`` and in OpenSSL, so keys are not claimed to be wiped.
Why 24 bytes always: the library underneath gives up shorter keys; K1|K2 is K1|K2|K1.
"""

from itertools import pairwise

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, modes

from atm_switch.domain.secret import Key

BLOCK_BYTES = 8
_PARITY_FREE = 0xFE
"""Everything of a key byte but its parity bit."""


def encrypt(key: Key, blocks: bytes | bytearray) -> bytearray:
    """Encipher whole blocks of 8 bytes.

    Raises ``ValueError`` for an unusable key or a length that is not a multiple of 8.
    """
    return _run(key, "tdes encryptor", blocks)


def decrypt(key: Key, blocks: bytes | bytearray) -> bytearray:
    """Decipher whole blocks of 8 bytes; the caller wipes what it gets.

    Raises ``ValueError`` for an unusable key or a length that is not a multiple of 8.
    """
    return _run(key, "tdes decryptor", blocks)


def check_value(key: Key) -> str:
    """Return the key check value: six hex digits of eight enciphered zero bytes.

    The one thing of a key that may be shown.  Raises ``ValueError`` for an unusable key.
    """
    return encrypt(key, bytes(BLOCK_BYTES))[:3].hex().upper()


def require_usable(key: Key) -> None:
    """Raise ``ValueError``, without the key, unless ``key`` is double or triple length.

    Neighbouring parts that differ in parity bits only count as the same: DES does not
    read those bits (security.md 1.5, all-equal halves refused).
    """
    if len(key) not in (16, 24):
        message = "a TDES key has 16 or 24 bytes"
        raise ValueError(message)
    bare = _bare(key)
    parts = [bare[at : at + BLOCK_BYTES] for at in range(0, len(bare), BLOCK_BYTES)]
    if any(left == right for left, right in pairwise(parts)):
        message = "a TDES key with equal parts is single DES"
        raise ValueError(message)


def is_double_at_triple_length(key: Key) -> bool:
    """Tell whether 24 bytes are K1|K2|K1: a double-length key that looks like another."""
    bare = _bare(key)
    return len(bare) == 24 and bare[:BLOCK_BYTES] == bare[-BLOCK_BYTES:]


def are_same(one: Key, other: Key) -> bool:
    """Tell whether two keys encipher alike, whatever their parity bits and their length."""
    return _at_full_length(_bare(one)) == _at_full_length(_bare(other))


def with_odd_parity(key: Key) -> Key:
    """Return the key with the lowest bit of each byte set for odd parity."""
    return Key(bytes(_odd(octet) for octet in key.reveal()))


def has_odd_parity(key: Key) -> bool:
    """Tell whether every byte has an odd number of ones."""
    return all(octet == _odd(octet) for octet in key.reveal())


def wipe_buffer(buffer: bytearray) -> None:
    """Overwrite ``buffer`` with zeros, in place."""
    buffer[:] = bytes(len(buffer))


def _bare(key: Key) -> bytes:
    return bytes(octet & _PARITY_FREE for octet in key.reveal())


def _at_full_length(material: bytes) -> bytes:
    return (material + material[:BLOCK_BYTES])[:24]


def _odd(octet: int) -> int:
    bare = octet & _PARITY_FREE
    return bare | (bare.bit_count() + 1) % 2


def _context(key: Key, kind: str) -> CipherContext:
    """Make a context and keep it: a block leaves nothing behind in ECB, so it serves again."""
    cipher = _cipher(key)
    context = cipher.encryptor() if kind == "tdes encryptor" else cipher.decryptor()
    key.kept[kind] = context
    return context


def _cipher(key: Key) -> Cipher[modes.ECB]:
    require_usable(key)
    material = _at_full_length(key.reveal())
    # ECB of single blocks is what the PIN block, PVV and check value standards say.
    return Cipher(TripleDES(material), modes.ECB())  # noqa: S305


def _run(key: Key, kind: str, blocks: bytes | bytearray) -> bytearray:
    context = key.kept.get(kind) or _context(key, kind)
    if not blocks or len(blocks) % BLOCK_BYTES:
        message = "TDES works on whole blocks of 8 bytes"
        raise ValueError(message)
    # update_into wants room for one block less a byte beyond the result.
    room = bytearray(len(blocks) + BLOCK_BYTES - 1)
    try:
        context.update_into(blocks, room)
        return room[: len(blocks)]
    finally:
        wipe_buffer(room)
