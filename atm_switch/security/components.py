"""Keys made of components, and the check values that name a key without showing it.

A key that no one person knows comes in two or more components, each kept by another
person; the key is their XOR (PCI PIN 6 and 12: split knowledge, dual control).

    check value of TDES   leftmost 3 bytes of eight zero bytes enciphered
    check value of AES    leftmost 3 bytes of the AES-CMAC of sixteen zero bytes
                          (ANSI X9.24-1-2017, annex A)

Limits: an AES check value of the older kind, sixteen zero bytes enciphered, is another
number; who compares must ask for the CMAC kind.
Why components are judged: one of zeros leaves the others to be the key, and two that are
the same cancel each other out.
"""

from collections.abc import Sequence
from itertools import combinations

from atm_switch.domain.secret import Key
from atm_switch.security import tdes
from atm_switch.security.mac import MacAlgorithm, mac

TDES = "T"
AES = "A"
KEY_BYTES = {TDES: (16, 24), AES: (16, 24, 32)}
"""Lengths of keys by algorithm, in the letters of ANSI X9.143 (TR-31)."""

_AES_BLOCK_BYTES = 16
_CHECK_BYTES = 3
_WITHOUT_PARITY = 0xFE


def key_check_value(key: Key, algorithm: str) -> str:
    """Return the check value, six hex digits; the one thing of a key that may be shown.

    Raises ``ValueError``, without the key, for an unusable key or unknown algorithm.
    """
    _require_known(algorithm)
    if algorithm == TDES:
        return tdes.check_value(key)
    return mac(MacAlgorithm.AES_CMAC, key, bytes(_AES_BLOCK_BYTES))[:_CHECK_BYTES].hex().upper()


def combine(components: Sequence[Key], algorithm: str = TDES) -> Key:
    """Return the XOR of two components or more, for TDES with odd parity set.

    Raises ``ValueError``, which names a component by its position from 1 and holds
    nothing of it, for fewer than two, a length no key has, lengths that differ, a
    component of zeros or given twice, one without odd parity (TDES), and components that
    make a key nobody may use.
    """
    _require_known(algorithm)
    if len(components) < 2:
        message = "a key is made of two components or more"
        raise ValueError(message)
    for position, component in enumerate(components, 1):
        _require_sound(component, algorithm, position, len(components[0]))
    for (left, one), (right, other) in combinations(enumerate(components, 1), 2):
        if one.reveal() == other.reveal():
            message = f"component {right} is component {left} again"
            raise ValueError(message)
    return _judged(Key(_xor_all(components)), algorithm)


def _require_known(algorithm: str) -> None:
    if algorithm not in KEY_BYTES:
        message = "an algorithm is T or A"
        raise ValueError(message)


def _require_sound(component: Key, algorithm: str, position: int, length: int) -> None:
    is_tdes = algorithm == TDES
    bare = (octet & _WITHOUT_PARITY if is_tdes else octet for octet in component.reveal())
    if len(component) not in KEY_BYTES[algorithm]:
        message = f"component {position} has a length no key of this algorithm has"
    elif len(component) != length:
        message = f"component {position} is not as long as the first"
    elif not any(bare):
        message = f"component {position} is all zeros"
    elif is_tdes and not tdes.has_odd_parity(component):
        message = f"component {position} does not have odd parity"
    else:
        return
    raise ValueError(message)


def _xor_all(components: Sequence[Key]) -> bytes:
    total = bytearray(len(components[0]))
    for component in components:
        for at, octet in enumerate(component.reveal()):
            total[at] ^= octet
    try:
        return bytes(total)
    finally:
        tdes.wipe_buffer(total)


def _judged(key: Key, algorithm: str) -> Key:
    if algorithm == TDES:
        tdes.require_usable(key)
        return tdes.with_odd_parity(key)
    if not any(key.reveal()):
        message = "the components make a key of zeros"
        raise ValueError(message)
    return key
