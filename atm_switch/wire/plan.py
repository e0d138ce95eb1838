"""The payloads with one head: which layout each of them has, and how values are written.

Plan: the elements of a head follow each other; once the lengths of the variable ones are
read, the place of everything is known, and that is remembered as a layout.
Limits: a plan says yes or nothing.  What it does not read or write (``None``) is for the
reference codec, which names the fault; so a plan may be stricter, and never more lenient.
Why no generated source: nothing here is run that was made out of what a peer sent.
"""

from collections.abc import Mapping
from operator import itemgetter

from atm_switch.wire.layout import Layout
from atm_switch.wire.part import bitmaps_of
from atm_switch.wire.spelling import Spelling
from atm_switch.wire.writing import Writing


class Plan:
    """Reads and writes payloads with one MTI and one set of elements."""

    __slots__ = ("_cut", "_layouts", "_parts", "_whole", "head", "mti", "numbers", "spelling")

    def __init__(self, mti: str, numbers: tuple[int, ...], spelling: Spelling) -> None:
        """Plan for ``numbers`` in ascending order, at least one, all of them known."""
        self.mti, self.numbers, self.spelling = mti, numbers, spelling
        self.head = _mti_spelled(mti, spelling) + bitmaps_of(numbers, spelling.encoding)
        self._parts = [spelling.parts[number] for number in numbers]
        self._layouts: dict[tuple[int, ...], Layout] = {}
        self._cut = itemgetter(*numbers, numbers[0])
        self._whole = Writing(self.head, numbers, numbers, None, spelling)

    def layout_of(self, payload: bytes) -> Layout | None:
        """Return the layout of a payload that has this plan's head, or ``None``."""
        at, lengths = len(self.head), []
        for part in self._parts:
            length: int | None = part.element.longest
            if part.prefix_octets:
                length = part.lengths.get(payload[at : at + part.prefix_octets])
                at += part.prefix_octets
                if length is None:
                    return None
            at += part.octets(length or 0)
            lengths.append(length or 0)
        if at != len(payload):
            return None
        return self._laid_out(tuple(lengths))

    def write(self, elements: Mapping[int, str]) -> bytes | None:
        """Write the values of a message that has just these elements, or return ``None``."""
        return self._whole.write(b"", self._cut(elements)[:-1])

    def _laid_out(self, lengths: tuple[int, ...]) -> Layout:
        layout = self._layouts.get(lengths)
        if layout is None:
            layout = Layout(self.mti, self.head, self.numbers, lengths, self.spelling)
            self.spelling.layouts.put(self._layouts, lengths, layout)
        return layout


def _mti_spelled(mti: str, spelling: Spelling) -> bytes:
    return bytes.fromhex(mti) if spelling.encoding.mti == "bcd" else spelling.written(mti)
