"""HMAC-SHA-256 under one key (RFC 2104, FIPS 180-4), for many materials.

Plan: what the key alone decides, the first block of the inner and of the outer hash, is
hashed once; each material goes on from a copy of both.
Why not ``hmac.digest``: it hashes those two blocks each time, and lets go of the
interpreter's lock, which another thread then takes: the hash is waited for longer than made.
Limits: both copies are as secret as the key; neither can be printed or pickled.
"""

import hashlib

_BLOCK_BYTES = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class KeyedHash:
    """Makes codes of 32 bytes under one key."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        """Take the key; one longer than a block of SHA-256 counts by its hash."""
        if len(key) > _BLOCK_BYTES:
            key = hashlib.sha256(key).digest()
        block = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER))
        self._outer = hashlib.sha256(block.translate(_OUTER))

    def code(self, material: bytes) -> bytes:
        """Return the code of ``material``."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(material)
        outer.update(inner.digest())
        return outer.digest()
