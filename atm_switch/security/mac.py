"""Message authentication codes of DE64 and DE128, eight bytes each.

* ``X9_19``: ANSI X9.19 retail MAC = ISO/IEC 9797-1 algorithm 3 with padding method 1
  (zeros) and a double-length TDES key: CBC under K1, the last block under K1|K2.
* ``AES_CMAC``: NIST SP 800-38B / RFC 4493, the leftmost eight bytes.

Limits: padding 1 cannot tell a message from the same with zero bytes added at the end;
the length header and the strict decoder do.  A MAC has no freshness: repeats are found
by the journal's key.
Why these two: what Indonesian links are known to use, and what should follow (assumed).
"""

import hmac
from enum import Enum, unique

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from atm_switch.domain.secret import Key
from atm_switch.security import tdes

MAC_BYTES = 8


@unique
class MacAlgorithm(Enum):
    """How a MAC is made; the value is the profile's word."""

    X9_19 = "x9.19"
    AES_CMAC = "aes-cmac"


def mac(algorithm: MacAlgorithm, key: Key, message: bytes) -> bytes:
    """Return the eight bytes that authenticate ``message``.

    Raises ``ValueError``, without the key, for a key the algorithm cannot use.
    """
    return _MAKERS[algorithm](key, message)


def mac_matches(algorithm: MacAlgorithm, key: Key, message: bytes, received: bytes) -> bool:
    """Tell, in constant time, whether ``received`` is the MAC of ``message``.

    A MAC cut short or grown is wrong.  Raises as ``mac`` does.
    """
    return hmac.compare_digest(mac(algorithm, key, message), received)


def _retail(key: Key, message: bytes) -> bytes:
    if len(key) != 16:
        reason = "an X9.19 key has 16 bytes"
        raise ValueError(reason)
    padded = message + bytes(-len(message) % tdes.BLOCK_BYTES) or bytes(tdes.BLOCK_BYTES)
    head, last = padded[: -tdes.BLOCK_BYTES], padded[-tdes.BLOCK_BYTES :]
    chained = _chain(key, head)
    return bytes(tdes.encrypt(key, _xor(chained, last)))


def _chain(key: Key, head: bytes) -> bytes:
    """CBC under K1 alone, which is TDES with K1 thrice; the last block of the cipher.

    The context is used again: what it would mix into the first block is the last block of
    the message before, so that is mixed in beforehand and cancels out.
    """
    zeros = bytes(tdes.BLOCK_BYTES)
    if not head:
        return zeros
    encryptor, before = key.kept.pop("mac chain", None) or (_chaining(key), zeros)
    width = tdes.BLOCK_BYTES
    chained: bytes = encryptor.update(_xor(before, head[:width]) + head[width:])[-width:]
    key.kept["mac chain"] = encryptor, chained
    return chained


def _chaining(key: Key) -> CipherContext:
    first = key.reveal()[: tdes.BLOCK_BYTES]
    return Cipher(TripleDES(first * 3), modes.CBC(bytes(tdes.BLOCK_BYTES))).encryptor()


def _xor(left: bytes, right: bytes) -> bytes:
    mixed = int.from_bytes(left, "big") ^ int.from_bytes(right, "big")
    return mixed.to_bytes(tdes.BLOCK_BYTES, "big")


def _cmac(key: Key, message: bytes) -> bytes:
    if len(key) not in (16, 24, 32):
        reason = "an AES key has 16, 24 or 32 bytes"
        raise ValueError(reason)
    keyed = key.kept.get("cmac")
    if keyed is None:
        keyed = key.kept["cmac"] = CMAC(AES(key.reveal()))
    authenticator = keyed.copy()
    authenticator.update(message)
    return bytes(authenticator.finalize()[:MAC_BYTES])


_MAKERS = {MacAlgorithm.X9_19: _retail, MacAlgorithm.AES_CMAC: _cmac}
