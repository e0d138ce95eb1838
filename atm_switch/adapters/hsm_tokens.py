"""Keys as an HSM gives them out: under its local master key (LMK), as text.

    U and 32 hex digits      TDES, double length, under a variant LMK
    T and 48 hex digits      TDES, triple length, under a variant LMK
    S and a key block        under a key block LMK; digits 1 to 4 of it are its length

A token of the first two kinds does not tell what it is for: the HSM is told its key type,
and finds a wrong one out by the parity.  The types of a bank's keys are taken for granted;
a terminal's have theirs written in front:

    003:U...   MAC key (TAK)        002:U... or 70D:U...   PIN key (TPK)
    002:U... or 80D:U...            exchange key (TMK)

Limits: key schemes U, T and S; what a ``S`` block says of itself is the HSM's to judge.
"""

import re
from dataclasses import dataclass, field

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.security.key_ring import AES, KeyUsage, LineKey

BLOCK_TYPE = "FFF"
"""What stands for the key type where the key block tells its usage itself."""

KEY_TYPES = {
    KeyUsage.EXCHANGE: "000",
    KeyUsage.PIN: "001",
    KeyUsage.MAC: "008",
    KeyUsage.PVK: "002",
}
"""Key types of a bank: ZMK, ZPK, ZAK, PVK."""

_TYPES_BELOW = {
    "000": {KeyUsage.PIN: "001", KeyUsage.MAC: "008"},
    "002": {KeyUsage.PIN: "002", KeyUsage.MAC: "003"},
    "80D": {KeyUsage.PIN: "70D", KeyUsage.MAC: "003"},
}
"""Key types of what an exchange key carries: ZMK, TMK, TMK of an HSM set to PCI rules."""

_TMK_TYPES = ("002", "80D")
_TMK_USAGE = b"51"
_LENGTHS = {"U": 33, "T": 49}
_SHAPE = re.compile(rb"(?:([0-9A-F]{3}):)?(U[0-9A-F]{32}|T[0-9A-F]{48}|S[0-9A-D][0-9]{4}[ -~]+)")


@dataclass(frozen=True, slots=True)
class Token:
    """One key as commands carry it."""

    key_type: str
    text: bytes = field(repr=False)

    @classmethod
    def of(cls, key: LineKey, usage: KeyUsage) -> "Token":
        """Read a line's key.

        Raises ``NeighbourUnavailable``, without it, for a key in the clear or of a shape
        no HSM gave out: that is nobody's wrong PIN or MAC.
        """
        if key.is_clear:
            raise NeighbourUnavailable("a key is in the clear; install it as the HSM's token")
        found = _SHAPE.fullmatch(key.token.reveal())
        if found is None or not _is_whole(found[2]):
            raise NeighbourUnavailable("a key is no token of an HSM")
        if found[2].startswith(b"S"):
            return cls(BLOCK_TYPE, found[2])
        return cls(found[1].decode() if found[1] else KEY_TYPES[usage], found[2])

    @property
    def scheme(self) -> str:
        """The letter of its key scheme."""
        return chr(self.text[0])

    @property
    def is_block(self) -> bool:
        """Whether it is a key block."""
        return self.scheme == "S"

    @property
    def is_of_terminal(self) -> bool:
        """Whether an exchange key is a terminal's (TMK), not a bank's (ZMK)."""
        return self.text[6:8] == _TMK_USAGE if self.is_block else self.key_type in _TMK_TYPES

    def type_below(self, usage: KeyUsage, algorithm: str) -> str:
        """Return the key type of a key that comes or goes under this one.

        Raises ``NeighbourUnavailable`` where it carries no such key.
        """
        if self.is_block:
            return BLOCK_TYPE
        if algorithm == AES or usage not in _TYPES_BELOW.get(self.key_type, {}):
            raise NeighbourUnavailable("the exchange key's token carries no such key")
        return _TYPES_BELOW[self.key_type][usage]


def with_type(text: bytes, key_type: str, usage: KeyUsage) -> bytes:
    """Write a token, its key type in front where it is not a bank's."""
    is_plain = key_type in (BLOCK_TYPE, KEY_TYPES[usage])
    return text if is_plain else key_type.encode() + b":" + text


def take_key(fields: bytes, schemes: str) -> tuple[bytes, bytes]:
    """Cut a key, its scheme in front, off the start of an answer's fields.

    Raises ``NeighbourUnavailable`` for one that is not there, or is cut short.
    """
    scheme = fields[:1].decode("latin-1")
    length = _LENGTHS.get(scheme, 0) or _block_length(fields)
    if not scheme or scheme not in schemes or not 1 < length <= len(fields):
        raise NeighbourUnavailable("the HSM's answer holds no key where it should")
    key = fields[:length]
    if not re.fullmatch(rb"[ -~]+", key):
        raise NeighbourUnavailable("the HSM's answer holds no key where it should")
    return key, fields[length:]


def _is_whole(text: bytes) -> bool:
    return text[:1] != b"S" or _block_length(text) == len(text)


def _block_length(fields: bytes) -> int:
    digits = fields[2:6]
    return 1 + int(digits) if re.fullmatch(rb"[0-9]{4}", digits) else 0
