"""Judge every byte at once: is it of the class that its place wants?

Plan: each class is a bit.  A table has, for each byte, the classes it does *not* belong to,
and a mask has, for each place, the class wanted there; a byte is a stray where the two meet.
The bytes go through the table in one call, and become one long number that meets the mask
in another, however many elements there are.  A track has digits and one mark, which is not
the first: among its strays from the digits there is just one, found by counting.
Compiled, the bytes are looked at one by one, which is faster then.
Limits: yes or no; ``reference.content_fault`` names the element and what is wrong with it.
Packed tracks have two characters in a byte, so they are matched one by one.
"""

import re
from collections.abc import Iterable
from itertools import groupby

from atm_switch.profile.model import Encoding
from atm_switch.wire.part import Part

_DIGITS = "0123456789"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_OF_TEXT = {
    "n": (1, _DIGITS),
    "a": (2, _LETTERS + " "),
    "an": (4, _LETTERS + _DIGITS + " "),
    "ans": (8, "".join(map(chr, range(0x20, 0x7F)))),
    "b": (16, "0123456789ABCDEF"),
    "z": (128, "0123456789=D"),
}
COMPILED = not __file__.endswith(".py")
"""Whether this is machine code: ``gate.pxd`` gives the types."""
_ANY, _DIGIT, _PACKED, _PADDED = b"\x00", b"\x01", b"\x20", b"\x40"
"""No class; a digit; two decimal digits in a byte; one, behind a 0 that is padding."""
_PACKED_TRACK = re.compile("[0-9]+d[0-9]*")

Span = tuple[int, int]
Range = tuple[int, int, int, int]
"""From where to where; the least byte allowed, and how much more it may be."""
Piece = tuple[Part | None, int]
"""An element and its length as the profile counts it; or so many bytes not to be judged."""


def outside_of(encoding: Encoding) -> bytes:
    """Return, for each byte, the bits of the classes it does not belong to."""
    table = bytearray(256)
    for octet in range(256):
        text = bytes([octet]).decode(encoding.text, errors="replace")
        for bit, characters in _OF_TEXT.values():
            table[octet] |= 0 if text in characters else bit
        high, low = divmod(octet, 16)
        table[octet] |= 0 if high < 10 and low < 10 else _PACKED[0]
        table[octet] |= 0 if high == 0 and low < 10 else _PADDED[0]
    return bytes(table)


class Gate:
    """What bytes must be that consist of these pieces, one behind the other."""

    __slots__ = (
        "_marks", "_mask", "_others", "_outside", "_packed_tracks", "_ranges", "_tracks", "_wanted",
    )  # fmt: skip

    def __init__(self, pieces: Iterable[Piece], outside: bytes) -> None:
        """Look at each piece; ``outside`` is the table of the encoding."""
        wanted = bytearray()
        marks: list[int] = []
        self._tracks: list[tuple[int, int]] = []
        self._packed_tracks: list[tuple[int, int, int]] = []
        for part, length in pieces:
            begins = len(wanted)
            wanted += bytes(length) if part is None else _wanted_by(part, length)
            if part is not None and part.element.content == "z":
                if part.in_hexadecimal:
                    self._packed_tracks.append((begins, len(wanted), length % 2))
                else:
                    self._tracks.append((begins, len(wanted)))
                    marks.append(_mask_of(_ANY * begins + _DIGIT * (len(wanted) - begins)))
        self._wanted, self._outside = bytes(wanted), outside
        self._mask, self._marks = _mask_of(self._wanted), marks
        self._ranges, self._others = _runs_of(self._wanted, outside)

    def passes(self, octets: bytes) -> bool:
        """Tell whether all of them are of their class; there are as many as in the pieces."""
        if COMPILED:
            return self._each_passes(octets) and self._packed_tracks_pass(octets)
        strays = int.from_bytes(octets.translate(self._outside), "little")
        if strays & self._mask:
            return False
        for marks in self._marks:
            if (strays & marks).bit_count() != 1:
                return False
        return not self._packed_tracks or self._packed_tracks_pass(octets)

    def _each_passes(self, octets: bytes) -> bool:
        if len(octets) != len(self._wanted) or not are_in_ranges(octets, self._ranges):
            return False
        if not are_in_classes(octets, self._others, self._wanted, self._outside):
            return False
        for begins, ends in self._tracks:
            if strays_between(octets, begins, ends, self._outside) != 1:
                return False
        return True

    def _packed_tracks_pass(self, octets: bytes) -> bool:
        for begins, ends, padding in self._packed_tracks:
            track = octets[begins:ends].hex()
            if "0"[:padding] != track[:padding] or not _PACKED_TRACK.fullmatch(track, padding):
                return False
        return True


def are_in_ranges(octets: bytes, ranges: list[Range]) -> bool:
    """Tell whether bytes are in the range that is allowed where they are."""
    data, strays = octets, 0  # compiled, this is a pointer
    for begins, ends, least, more in ranges:
        for at in range(begins, ends):
            strays |= ((data[at] - least) & 255) > more
    return strays == 0


def are_in_classes(octets: bytes, spans: list[Span], wanted: bytes, outside: bytes) -> bool:
    """Tell whether the bytes of these spans are of the class their place wants."""
    data, classes, table, strays = octets, wanted, outside, 0
    for begins, ends in spans:
        for at in range(begins, ends):
            strays |= table[data[at]] & classes[at]
    return strays == 0


def strays_between(octets: bytes, begins: int, ends: int, outside: bytes) -> int:
    """Count the bytes that are no digits."""
    data, table, strays = octets, outside, 0
    for at in range(begins, ends):
        strays += table[data[at]] & 1
    return strays


def _wanted_by(part: Part, length: int) -> bytes:
    """Return the bit of the class wanted at each byte of an element's content."""
    octets, content = part.octets(length), part.element.content
    if not part.in_hexadecimal:
        bit = bytes([_OF_TEXT[content][0]])
        return (_DIGIT + bit * (octets - 1))[:octets] if content == "z" else bit * octets
    if content == "z" or not part.pads:
        return _ANY * octets
    padding = length % 2
    return _PADDED * padding + _PACKED * (octets - padding)


def _runs_of(wanted: bytes, outside: bytes) -> tuple[list[Range], list[Span]]:
    """Find the runs of one class; those whose bytes have no gap between them are ranges."""
    ranges: list[Range] = []
    others: list[Span] = []
    begins = 0
    for bit, run in groupby(wanted):
        ends = begins + len(list(run))
        allowed = [octet for octet in range(256) if not outside[octet] & bit]
        if bit and allowed[-1] - allowed[0] == len(allowed) - 1:
            ranges.append((begins, ends, allowed[0], len(allowed) - 1))
        elif bit:
            others.append((begins, ends))
        begins = ends
    return ranges, others


def _mask_of(wanted: bytes) -> int:
    return int.from_bytes(wanted, "little")
