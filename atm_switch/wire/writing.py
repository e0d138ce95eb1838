"""Write payloads of one set of elements, some of them copied from another payload as they are.

Plan: what is copied was judged when it was read, so only new values are judged, joined, by
one mask.  For each combination of their lengths the pieces of the payload are known: runs of
the old one, values, and constants, which are the head and the lengths.  All of them lie one
behind the other in one string of bytes, of which one call cuts the pieces in their order.
Limits: yes or nothing, as in ``plan.py``.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter

from atm_switch.wire.gate import COMPILED, Gate
from atm_switch.wire.layout import NOTHING, Layout, Span
from atm_switch.wire.spelling import Spelling


class Shape:
    """What a payload is made of, for one combination of lengths."""

    __slots__ = ("constants", "cut", "gate", "octets", "spans")

    def __init__(self, constants: bytes, spans: list[Span], gate: Gate) -> None:
        """Cut ``spans``, which are not empty; ``gate`` judges the values alone."""
        self.constants, self.spans, self.gate = constants, spans, gate
        self.octets = sum(ends - begins for begins, ends in spans)
        slices = [slice(*span) for span in spans]
        self.cut: Callable[[bytes], tuple[bytes, ...]] = itemgetter(*slices, NOTHING)


class Writing:
    """Writes messages of ``numbers``, of which ``given`` come as values."""

    __slots__ = (
        "_given", "_outwards", "_parts", "_source", "_spelling", "_with_digits",
        "head", "numbers", "rest_head", "shapes",
    )  # fmt: skip

    def __init__(
        self,
        head: bytes,
        numbers: Sequence[int],
        given: Sequence[int],
        source: Layout | None,
        spelling: Spelling,
    ) -> None:
        """Take the rest from payloads of the layout ``source``, which has them all."""
        self.head, self.numbers, self._given = head, tuple(numbers), tuple(given)
        self.rest_head: bytes | None = None
        """The head of the same messages less their first element, once it is known."""
        self._source, self._spelling, self._outwards = source, spelling, spelling.outwards
        self._parts = [spelling.parts[number] for number in given]
        self._with_digits = any(part.in_hexadecimal for part in self._parts)
        self.shapes: dict[tuple[int, ...], Shape] = {}

    def write(self, payload: bytes, values: tuple[str, ...]) -> bytes | None:
        """Write the values, and the rest from ``payload``, which is of the source's layout."""
        lengths = tuple([len(value) for value in values] if COMPILED else map(len, values))
        shape = self.shapes.get(lengths) or self._shape_of(lengths)
        if shape is None:
            return None
        try:
            if self._with_digits:
                octets = self._pieces(values)
            else:
                octets = "".join(values).encode("latin-1")
        except ValueError:
            return None
        if self._outwards is not None and not self._with_digits:
            octets = octets.translate(self._outwards)
        if not shape.gate.passes(octets):
            return None
        whole = payload + octets + shape.constants
        return woven(whole, shape.spans, shape.octets) if COMPILED else b"".join(shape.cut(whole))

    def _pieces(self, values: tuple[str, ...]) -> bytes:
        """Write values of which some are digits or bytes, one by one.  Raises ``ValueError``."""
        pieces = []
        for part, value in zip(self._parts, values, strict=True):
            if part.in_hexadecimal:
                odd = len(value) % 2
                piece = bytes.fromhex("0" + value if odd else value)
                if piece.hex().upper()[odd:] != value:
                    raise ValueError("another spelling of the same bytes")
            else:
                piece = self._spelling.written(value)
            pieces.append(piece)
        return b"".join(pieces)

    def _shape_of(self, lengths: tuple[int, ...]) -> Shape | None:
        counted = {}
        for number, part, length in zip(self._given, self._parts, lengths, strict=True):
            counted[number], odd = divmod(length, part.digits_each)
            if odd or not part.element.shortest <= counted[number] <= part.element.longest:
                return None
        shape = self._shaped(counted)
        self._spelling.shapes.put(self.shapes, lengths, shape)
        return shape

    def _shaped(self, lengths: dict[int, int]) -> Shape:
        """Place old payload, values and constants one behind the other, and cut them."""
        parts, source = self._spelling.parts, self._source
        at = 0 if source is None else source.octets
        places = {}
        for number in self._given:
            ends = at + parts[number].octets(lengths[number])
            places[number] = (at, ends)
            at = ends
        constants = self.head
        spans = [(at, at + len(constants))]
        for number in self.numbers:
            if number in places:
                prefix = parts[number].prefixes.get(lengths[number], b"")
                begins = at + len(constants)
                constants += prefix
                spans += [(begins, begins + len(prefix)), places[number]]
            elif source is not None:  # pragma: no branch - without a source, all are given
                spans.append(source.spans[number])
        gate = Gate([(parts[n], lengths[n]) for n in self._given], self._spelling.outside)
        return Shape(constants, _joined(spans), gate)


def woven(whole: bytes, spans: list[Span], octets: int) -> bytes:
    """Copy spans one behind the other, which makes so many bytes."""
    made = bytearray(octets)
    source, target, to = whole, made, 0  # compiled, these are pointers
    for begins, ends in spans:
        for at in range(begins, ends):
            target[to] = source[at]
            to += 1
    return bytes(target[:octets])


def _joined(spans: list[Span]) -> list[Span]:
    """Join spans that follow each other, and drop empty ones."""
    joined: list[Span] = []
    for begins, ends in spans:
        if begins == ends:
            continue
        if joined and joined[-1][1] == begins:
            joined[-1] = (joined[-1][0], ends)
        else:
            joined.append((begins, ends))
    return joined
