"""Readings as people and programs read them; everything that could be a secret is masked.

Plan: ``text_of`` for people: a line for each piece with offset, bytes and meaning, then what
is wrong and what it may be instead.  ``document_of`` for programs, the same content; its keys
are stable: ``where``, ``profile``, ``framed``, ``framed_as`` (the profile whose length header
it is), ``clean``, ``left_over_bytes``, ``diagnosis`` (sentences) and ``messages``, each with
``mti``, ``meaning``, ``bytes``, ``strict`` (why the switch would refuse it, or ""),
``stopped_at``, ``why_stopped`` and ``pieces``: ``element`` (null for MTI and bitmaps),
``name``, ``offset``, ``bytes``, ``hex`` (null where it is not shown), ``value``, ``meaning``,
``fault``.
Why raw bytes are shown of plain elements only: hexadecimal of a PAN is a PAN.
"""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from atm_switch.domain.errors import FormatError
from atm_switch.profile.model import Show
from atm_switch.wire.packager import Packager
from terminal_emulator.explain.dissection import Dissection, Piece
from terminal_emulator.explain.guard import guarded
from terminal_emulator.explain.guess import Reading
from terminal_emulator.explain.meaning import meaning_of, meaning_of_mti, shown_value

BYTES_SHOWN = 12


def text_of(found: Sequence[Reading], where: str) -> str:
    """Write what the best reading says, and what another profile would make of it."""
    best = found[0]
    lines = [f"{where}: {_headline(best)}"]
    for dissection in best.dissections:
        lines += ["", *_message(dissection)]
    if best.left_over:
        what = "that are no frame" if best.header_fault else "of a frame that is not whole"
        lines += ["", f"then {len(best.left_over)} bytes {what}"]
    if not best.is_clean:
        lines += ["", *_diagnosis(found)]
    return "\n".join(lines) + "\n"


def document_of(found: Sequence[Reading], where: str) -> dict[str, Any]:
    """Return the best reading for JSON; the keys are those above."""
    best = found[0]
    return {
        "where": where,
        "profile": best.profile.name,
        "framed": best.is_framed,
        "framed_as": best.framed_as or None,
        "clean": best.is_clean,
        "left_over_bytes": len(best.left_over),
        "messages": [_document(one) for one in best.dissections],
        "diagnosis": [] if best.is_clean else list(_diagnosis(found)),
    }


def difference(one: Dissection, other: Dissection) -> list[str]:
    """Name every element two messages do not have alike, a line each; masked."""
    lines = []
    if one.mti != other.mti:
        lines.append(f"MTI    {one.mti or '-'} | {other.mti or '-'}")
    ours, theirs = one.elements(), other.elements()
    shown_ours, shown_theirs = guarded(one).elements(), guarded(other).elements()
    for number in sorted(ours.keys() | theirs.keys()):
        left, right = ours.get(number), theirs.get(number)
        if left is not None and right is not None and left.text == right.text:
            continue
        pair = (shown_ours.get(number), shown_theirs.get(number))
        shown = [_value(piece) if piece else "-" for piece in pair]
        said = " | ".join(shown)
        if left and right and shown[0] == shown[1]:
            said += "   (differs where it is masked)"
        named = left or right
        lines.append(f"DE{number:03d}  {named.name if named else '':32} {said}")
    return lines


def _headline(reading: Reading) -> str:
    how = "framed" if reading.is_framed else "without a length header"
    count = len(reading.dissections)
    return f"{count} message{'s' if count != 1 else ''}, profile {reading.profile.name}, {how}"


def _message(dissection: Dissection) -> Iterator[str]:
    words = meaning_of_mti(dissection.mti) if dissection.mti else "not a message"
    yield f"{dissection.mti or '????'}  {words}, {len(dissection.payload)} bytes"
    for piece in guarded(dissection).pieces:
        label = f"DE{piece.number:03d}" if piece.number is not None else ""
        yield (
            f"{piece.offset:5}  {_octets(piece):{2 * BYTES_SHOWN + 2}} {label:5} "
            f"{piece.name:34} {_value(piece)}".rstrip()
        )
        if piece.fault:
            yield f"{'':15}! {piece.fault}"
        for line in _meaning(piece, dissection):
            yield f"{'':41}{line}"
    if dissection.why_stopped:
        yield f"{dissection.stopped_at:5}  ! {dissection.why_stopped}"


def _document(dissection: Dissection) -> dict[str, Any]:
    return {
        "mti": dissection.mti,
        "meaning": meaning_of_mti(dissection.mti) if dissection.mti else "",
        "bytes": len(dissection.payload),
        "strict": _strict(dissection),
        "stopped_at": dissection.stopped_at if dissection.why_stopped else None,
        "why_stopped": dissection.why_stopped or None,
        "pieces": [
            {
                "element": piece.number,
                "name": piece.name,
                "offset": piece.offset,
                "bytes": len(piece.octets),
                "hex": _hex(piece),
                "value": _value(piece),
                "meaning": list(_meaning(piece, dissection)),
                "fault": piece.fault or None,
            }
            for piece in guarded(dissection).pieces
        ],
    }


def _diagnosis(found: Sequence[Reading]) -> Iterator[str]:
    """Say what is wrong, and how well the next profile fits."""
    best = found[0]
    yield from _about_frames(best)
    for dissection in best.dissections:
        said = _strict(dissection)
        if said:
            yield f"the switch would answer 30: {said}"
        if dissection.why_stopped:
            yield (f"the error may start at byte {dissection.stopped_at}: {dissection.why_stopped}")
        previous = [piece for piece in dissection.pieces if piece.number is not None][-1:]
        for piece in previous if dissection.why_stopped else ():
            yield (
                f"or before it, if DE{piece.number:03d} {piece.name} has another length than "
                "the profile gives it"
            )
    for other in found[1:]:
        if other.profile.name != best.profile.name:
            yield _beside(other, best)
            break


def _beside(other: Reading, best: Reading) -> str:
    """Say how well another profile fits; better it can only if ``best`` was asked for by name."""
    shares = f"{other.share:.0%} of the bytes, {best.profile.name} for {best.share:.0%}"
    if other.score > best.score:
        return f"the bytes fit profile {other.profile.name} better: it has a place for {shares}"
    return f"profile {other.profile.name} has a place for {shares}"


def _about_frames(best: Reading) -> Iterator[str]:
    if best.header_fault:
        behind = "behind the last message" if best.left_over else "at byte 0"
        yield f"the error may start {behind}: {best.header_fault}"
    if best.framed_as not in ("", best.profile.name):
        yield (
            f"the length header is that of profile {best.framed_as}, the message of "
            f"{best.profile.name}"
        )


def _strict(dissection: Dissection) -> str:
    """Return why the switch's own decoder would refuse it; empty if it would not."""
    try:
        Packager(dissection.profile).unpack(dissection.payload)
    except FormatError as fault:
        return str(fault)
    return ""


def _meaning(piece: Piece, dissection: Dissection) -> Iterator[str]:
    if piece.element is not None and not piece.fault:
        yield from meaning_of(piece.element, piece.text, dissection.mti, dissection.profile)


def _value(piece: Piece) -> str:
    if piece.fault:
        return f"({len(piece.octets)} bytes)"
    if piece.element is None:
        return piece.text if piece.name == "MTI" else _bits(piece)
    return shown_value(piece.element, piece.text)


def _bits(piece: Piece) -> str:
    number = int(piece.text, 16)
    first = 1 if piece.name == "primary bitmap" else 65
    return " ".join(str(first + bit) for bit in range(64) if number >> (63 - bit) & 1)


def _hex(piece: Piece) -> str | None:
    """Return the bytes of what may be shown whole; ``None`` for the rest."""
    element = piece.element
    if piece.fault:
        return None
    if element is None:
        return piece.octets.hex()
    is_plain = element.show is Show.PLAIN and shown_value(element, piece.text) == piece.text
    return piece.octets.hex() if is_plain else None


def _octets(piece: Piece) -> str:
    digits = _hex(piece)
    if digits is None:
        return "** " * 3
    if len(digits) <= 2 * BYTES_SHOWN:
        return digits
    return digits[: 2 * BYTES_SHOWN] + ".."


def side_by_side(found: Sequence[Dissection], others: Sequence[Dissection]) -> list[str]:
    """Compare messages pair by pair; one without a partner is named."""
    lines: list[str] = []
    for number, (one, other) in enumerate(zip_longest(found, others), 1):
        if one is None or other is None:
            lines.append(f"message {number} is in one of them only")
        else:
            lines += difference(one, other)
    return lines
