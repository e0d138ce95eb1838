"""Where everything is in the payloads of one head and one set of lengths.

Plan: the head and the lengths, cut out in one call, tell such payloads from all others; a
gate judges the contents; elements are cut out, in one call again, when somebody asks.
"""

from operator import itemgetter
from typing import Any

from atm_switch.wire.gate import COMPILED, Gate, Piece
from atm_switch.wire.part import Part
from atm_switch.wire.spelling import Spelling

Span = tuple[int, int]
NOTHING = slice(0, 0)
"""Cut at the end of each row of slices: one key alone would not be got as a tuple."""


class Layout:
    """The payloads with this head, these elements and these lengths."""

    __slots__ = (
        "_cut", "_fixed", "_has_digits", "_template", "gate", "mti", "numbers", "octets",
        "outline", "outlined", "spans", "spelling", "writings",
    )  # fmt: skip

    def __init__(
        self,
        mti: str,
        head: bytes,
        numbers: tuple[int, ...],
        lengths: tuple[int, ...],
        spelling: Spelling,
    ) -> None:
        """Lay out elements whose contents have these lengths, counted as the profile does."""
        self.mti, self.numbers, self.spelling = mti, numbers, spelling
        self.spans: dict[int, Span] = {}
        """From where to where each element goes, with its length."""
        self.writings: dict[Any, Any] = {}
        """How answers to such payloads are written, kept here by the packager."""
        outline, outlined = [slice(0, len(head))], [head]
        pieces: list[Piece] = [(None, len(head))]
        contents, at = [], len(head)
        for number, length in zip(numbers, lengths, strict=True):
            part = spelling.parts[number]
            prefix = part.prefixes.get(length, b"")
            begins, ends = at + len(prefix), at + len(prefix) + part.octets(length)
            if prefix:
                outline.append(slice(at, begins))
                outlined.append(prefix)
            pieces += [(None, len(prefix)), (part, length)]
            contents.append((part, length, begins))
            self.spans[number] = (at, ends)
            at = ends
        self.octets = at
        self.outline, self.outlined = itemgetter(*outline, NOTHING), (*outlined, b"")
        """What tells its payloads from others of ``octets`` bytes: how it is got, what it is."""
        self._fixed = [(one.start, one.stop) for one in outline]
        self._template = head.ljust(at, b"\0")
        for one, spelled in zip(outline, outlined, strict=True):
            self._template = self._template[: one.start] + spelled + self._template[one.stop :]
        self.gate = Gate(pieces, spelling.outside)
        self._has_digits = any(part.in_hexadecimal for part, _, _ in contents)
        self._cut = itemgetter(*(_slice_of(*one, total=at) for one in contents), NOTHING)

    def holds(self, payload: bytes) -> bool:
        """Tell whether a payload has this head, these lengths, and contents of their class."""
        if COMPILED:
            return (
                len(payload) == self.octets
                and are_alike(payload, self._template, self._fixed)
                and self.gate.passes(payload)
            )
        return self.outline(payload) == self.outlined and self.gate.passes(payload)

    def elements(self, payload: bytes) -> dict[int, str]:
        """Cut the elements out of a payload that is sound."""
        inwards = self.spelling.inwards
        text = (payload if inwards is None else payload.translate(inwards)).decode("latin-1")
        if self._has_digits:
            # Characters come from the first part, BCD digits and raw bytes from the second.
            text += payload.hex().upper()
        return dict(zip(self.numbers, self._cut(text)))  # noqa: B905 - the last cut is nobody's


def are_alike(one: bytes, other: bytes, spans: list[Span]) -> bool:
    """Tell whether two payloads of the same size have the same bytes in all spans."""
    left, right = one, other  # compiled, these are pointers
    for begins, ends in spans:
        for at in range(begins, ends):
            if left[at] != right[at]:
                return False
    return True


def _slice_of(part: Part, length: int, at: int, *, total: int) -> slice:
    characters = part.characters(length)
    if not part.in_hexadecimal:
        return slice(at, at + characters)
    begins = total + 2 * at + characters % 2
    return slice(begins, begins + characters)
