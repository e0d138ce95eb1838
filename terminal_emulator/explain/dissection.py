"""Take a payload apart as far as it goes, and say where and why it goes no further.

Plan: walk MTI, bitmaps and elements by the profile, more patient than the switch: what a
strict decoder refuses is noted at its place, and the walk goes on while places can be told.
Limits: one profile; ``guess.py`` tries them all.  Pieces hold clear content and are for
``show.py`` alone, which masks; their ``repr`` shows places only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from atm_switch.domain.errors import FormatError
from atm_switch.profile.model import Element, Encoding, Profile
from atm_switch.wire.bitmap import BITMAP_BYTES, mti_bytes, read_bitmaps, read_mti
from atm_switch.wire.part import Part, parts_of
from atm_switch.wire.reference import content_fault


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a payload: ``octets`` from ``offset`` on, its length prefix included."""

    name: str
    offset: int
    octets: bytes = field(repr=False)
    number: int | None = None
    """The data element; ``None`` for MTI and bitmaps."""
    text: str = field(default="", repr=False)
    """The content as the switch would know it; empty where it cannot be read."""
    fault: str = ""
    element: Element | None = None


@dataclass(frozen=True, slots=True)
class Dissection:
    """A payload taken apart under one profile."""

    profile: Profile
    payload: bytes = field(repr=False)
    pieces: tuple[Piece, ...]
    mti: str
    stopped_at: int
    """The offset of the first byte that has no place; the payload's length if all have."""
    why_stopped: str
    """Empty where every byte has a place."""

    @property
    def faults(self) -> list[Piece]:
        """The pieces that are not as the profile has them."""
        return [piece for piece in self.pieces if piece.fault]

    @property
    def is_clean(self) -> bool:
        """Whether every byte has its place and its proper content."""
        return not self.why_stopped and not self.faults

    @property
    def is_plausible(self) -> bool:
        """Whether the MTI is of a kind the profile has, as a request or as an answer."""
        kinds = {mti[:2] for mti in self.profile.messages}
        return self.mti[:2] in kinds and self.mti[2:3] in ("0", "1")

    def elements(self) -> dict[int, Piece]:
        """Return the data elements by number."""
        return {piece.number: piece for piece in self.pieces if piece.number is not None}


class _Stopped(Exception):
    """The walk ends here."""

    def __init__(self, at: int, why: str) -> None:
        super().__init__(why)
        self.at = at


def dissect(
    payload: bytes, profile: Profile, parts: Mapping[int, Part] | None = None
) -> Dissection:
    """Take ``payload`` apart; any bytes at all give a dissection.

    ``parts`` of the profile spare those who take many apart from looking them up each time.
    """
    known = parts or parts_of(profile.elements, profile.encoding)
    pieces: list[Piece] = []
    mti, at, why = "", 0, ""
    try:
        for piece in _walk(payload, profile, known):
            pieces.append(piece)
            at = piece.offset + len(piece.octets)
            if piece.name == "MTI":
                mti = piece.text
        if at < len(payload):
            why = f"{len(payload) - at} bytes are left over"
    except _Stopped as stop:
        at, why = stop.at, str(stop)
    return Dissection(profile, payload, tuple(pieces), mti, at, why)


def _walk(payload: bytes, profile: Profile, parts: Mapping[int, Part]) -> Iterator[Piece]:
    encoding = profile.encoding
    try:
        mti = read_mti(payload, encoding)
    except FormatError as fault:
        raise _Stopped(0, fault.reason) from None
    width = mti_bytes(encoding)
    yield Piece("MTI", 0, payload[:width], text=mti)
    try:
        numbers, start = read_bitmaps(payload, mti, encoding)
    except FormatError as fault:
        raise _Stopped(fault.offset or width, fault.reason) from None
    yield from _bitmaps(payload, width, start, encoding)
    at = start
    for number in numbers:
        part = parts.get(number)
        if part is None:
            raise _Stopped(at, f"DE{number:03d} is in the bitmap and not in the profile")
        piece = _element(payload, at, part, profile)
        yield piece
        at += len(piece.octets)


def _bitmaps(payload: bytes, start: int, end: int, encoding: Encoding) -> Iterator[Piece]:
    width = BITMAP_BYTES * (2 if encoding.bitmap == "hex" else 1)
    for name, at in zip(
        ("primary bitmap", "secondary bitmap"), range(start, end, width), strict=False
    ):
        octets = payload[at : at + width]
        is_hex = encoding.bitmap == "hex"
        yield Piece(name, at, octets, text=octets.decode(encoding.text) if is_hex else octets.hex())


def _element(payload: bytes, at: int, part: Part, profile: Profile) -> Piece:
    element = part.element
    length, fault = _length(payload, at, part)
    begins = at + part.prefix_octets
    octets = part.octets(length)
    left = len(payload) - begins
    if octets > left:
        said = f"its length says {length}" if element.length_digits else f"it has {octets} bytes"
        raise _Stopped(at, f"DE{element.number:03d} {element.name}: {said}, {left} bytes are left")
    content = payload[begins : begins + octets]
    text, wrong = _text(content, length, part, profile)
    return Piece(
        element.name,
        at,
        payload[at : begins + octets],
        number=element.number,
        text=text,
        fault=fault or wrong or content_fault(element, text),
        element=element,
    )


def _length(payload: bytes, at: int, part: Part) -> tuple[int, str]:
    """Read the length in units of the element; a fault where it is one the profile forbids."""
    element = part.element
    if not element.length_digits:
        return element.longest, ""
    prefix = payload[at : at + part.prefix_octets]
    known = part.lengths.get(prefix)
    if known is not None:
        return known, ""
    where = f"DE{element.number:03d} {element.name}"
    if len(prefix) < part.prefix_octets:
        raise _Stopped(at, f"{where}: the message ends in its length")
    digits = _digits_of(prefix, part)
    if not digits:
        raise _Stopped(at, f"{where}: its length is no number")
    length = int(digits)
    return length, f"has length {length}, allowed are {element.shortest} to {element.longest}"


def _digits_of(prefix: bytes, part: Part) -> str:
    """Read a length of digits in the spelling of the others; empty where it is none."""
    if part.prefix_octets < part.element.length_digits:
        text = prefix.hex()
    elif next(iter(part.lengths))[:1].isdigit():
        text = prefix.decode("latin-1")
    else:
        text = prefix.decode("cp500")
    return text if text.isascii() and text.isdigit() else ""


def _text(content: bytes, length: int, part: Part, profile: Profile) -> tuple[str, str]:
    """Return the content as text, and what hinders that."""
    if part.in_hexadecimal:
        digits = content.hex().upper()
        characters = part.characters(length)
        padding = digits[: len(digits) - characters]
        wrong = "the padding is not zero" if padding.strip("0") else ""
        return digits[len(digits) - characters :], wrong
    try:
        return content.decode(profile.encoding.text), ""
    except UnicodeDecodeError:
        return "", f"has bytes that are not {profile.encoding.text}"
