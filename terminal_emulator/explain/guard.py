"""Keep a card number out of sight where a spoilt message puts it into other elements.

Plan: with a wrong bitmap, length or profile the walk reads DE2's digits as amounts and times,
which are shown.  So a message that is not clean shows its content only if its DE2 is right
and stands where it should.  Then the card is known, and what is hidden is that number wherever
else it lies, every track, and the PAN of another message run into this one, which has a known
processing code behind it.  A network message has no DE2; there whatever looks like a PAN in any
encoding is hidden, and the rest is shown.
Why not the same everywhere: among the digits of a whole request one in a few looks like a PAN,
and a tester would be shown stars in the place of times and references that are none.
Limits: names, places and lengths are always shown; four digits in the MTI's place too.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from atm_switch.domain.card import luhn_is_right
from terminal_emulator.explain.dissection import Dissection, Piece

MAY_BE_PAN = "not shown: this may hold a part of a card number"

BANKS_BEGIN = "234569"
"""First digits of numbers that banks issue (ISO/IEC 7812-1: 9 is for national use)."""

_PREFIXED = re.compile(r"(?=(1[2-9])0?([0-9]{12,19}))")
_TRACK = re.compile(r"[0-9]{12,19}(?=[D=d][0-9]{4})")


def guarded(dissection: Dissection) -> Dissection:
    """Return the dissection with nothing in it that may be a PAN outside a DE2 that is right."""
    if dissection.is_clean:
        return dissection
    is_known = _has_right_pan(dissection)
    places = list(_places_of_cards(dissection) if is_known else _places(dissection.payload))
    is_shown = _is_apart if is_known else _is_harmless
    pieces = [
        piece if is_shown(piece, dissection, places) else _hidden(piece)
        for piece in dissection.pieces
    ]
    return replace(dissection, pieces=tuple(pieces))


def _is_apart(piece: Piece, _dissection: Dissection, places: list[range]) -> bool:
    """Tell whether a piece is DE2, which is masked, or no part of another PAN or track."""
    ends = piece.offset + len(piece.octets)
    return piece.number == 2 or not any(
        piece.offset < one.stop and one.start < ends for one in places
    )


def _has_right_pan(dissection: Dissection) -> bool:
    elements = dissection.elements()
    pan, code = elements.get(2), elements.get(3)
    if pan is None or pan.fault or not luhn_is_right(pan.text):
        return False
    rules = dissection.profile.messages.values()
    is_known = code is not None and any(rule.has_processing_code(code.text) for rule in rules)
    return is_known or not dissection.why_stopped


def _is_harmless(piece: Piece, dissection: Dissection, places: list[range]) -> bool:
    if piece.name == "MTI":
        return True
    if piece.number == 2 or not _is_apart(piece, dissection, places):
        return False
    is_network = dissection.is_plausible and dissection.mti[1] == "8"
    if piece.number is None:
        # A second bitmap stands where DE2 would without the first one's first bit.
        return is_network or (dissection.is_plausible and piece.name == "primary bitmap")
    return is_network and 2 not in dissection.elements()


def _hidden(piece: Piece) -> Piece:
    return replace(piece, text="", fault=piece.fault or MAY_BE_PAN)


def _places_of_cards(dissection: Dissection) -> Iterator[range]:
    """Yield where the card of a right DE2 lies elsewhere, or surely another card does."""
    own, pan = dissection.elements()[2], dissection.elements()[2].text
    behind = own.offset + len(own.octets)
    for text, width in _views(dissection.payload):
        for found in re.finditer(re.escape(pan), text):
            if found.start() // width >= behind or found.end() // width <= own.offset:
                yield _octets_of(found.start(), len(pan), width)
        for start, count in _numbers_of(text):
            code = text[start + count : start + count + 6]
            rules = dissection.profile.messages.values()
            is_other = start // width >= behind and text[start] in BANKS_BEGIN
            if is_other and any(rule.has_processing_code(code) for rule in rules):
                yield _octets_of(start, count, width)
        yield from _tracks_of(text, width)


def _places(payload: bytes) -> Iterator[range]:
    """Yield where a PAN seems to lie, as text, EBCDIC or packed, in bytes of the payload."""
    for text, width in _views(payload):
        for start, count in _numbers_of(text):
            yield _octets_of(start, count, width)
        yield from _tracks_of(text, width)


def _views(payload: bytes) -> Iterator[tuple[str, int]]:
    """Yield the payload as text of each encoding, and how many characters make an octet."""
    yield payload.decode("latin-1"), 1
    yield payload.decode("cp500"), 1
    yield payload.hex(), 2


def _numbers_of(text: str) -> Iterator[tuple[int, int]]:
    """Yield where digits with their count before them pass Luhn's check, and how many."""
    for found in _PREFIXED.finditer(text):
        start, count = found.start(2), int(found[1])
        if len(found[2]) >= count and luhn_is_right(found[2][:count]):
            yield start, count


def _tracks_of(text: str, width: int) -> Iterator[range]:
    for found in _TRACK.finditer(text):
        yield _octets_of(found.start(), found.end() - found.start(), width)


def _octets_of(start: int, count: int, width: int) -> range:
    return range(start // width, -(-(start + count) // width))
