"""Read and write the messages of one bitmap by a plan made once, in a few calls of C.

Plan: the elements of a bitmap follow each other; once the lengths of the variable ones are
read, the place of every element is known, so one ``itemgetter`` of slices cuts all of them
at once.  Elements are cut out of the payload as text followed by the payload as hexadecimal
digits: characters from the first half, BCD digits and raw bytes from the second.  Contents
are judged by class, all elements of a class joined.
Limits: a plan says yes or nothing.  What it does not read or write (``None``) is for the
reference codec, which names the fault; so a plan may be stricter, and never more lenient.
Why not generated source: nothing here is run that was made out of what a peer sent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from atm_switch.profile.model import Encoding
from atm_switch.wire.contents import Contents, Cut, Texts, together
from atm_switch.wire.part import Part, head_octets, translations

LAYOUTS_MAX = 512
"""So many combinations of lengths are remembered by a plan, the latest."""

Gap = tuple[int, int, Mapping[bytes, int]]
"""Before a variable element: fixed bytes, bytes of its length, its bytes by that length."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is in a payload whose lengths are known."""

    octets: int
    cut: Cut
    zeros: Callable[[str], Texts] | None
    """The padding of BCD elements with an odd number of digits."""


class Plan:
    """Reads and writes payloads with one set of elements."""

    def __init__(
        self, numbers: Sequence[int], parts: Mapping[int, Part], encoding: Encoding
    ) -> None:
        """Plan for ``numbers`` in ascending order, at least one, all of them in ``parts``."""
        self.numbers = tuple(numbers)
        self._parts = [parts[number] for number in numbers]
        self._start = head_octets(numbers, encoding)
        self._inwards, self._outwards = translations(encoding.text)
        self._has_digits = any(part.in_hexadecimal for part in self._parts)
        self._is_text = not self._has_digits and encoding.lengths == "text"
        self._layouts: dict[bytes, Layout] = {}
        self._gaps = self._variable_ones()
        self._prefixes = [
            (
                at,
                {part.characters(n): raw.decode(encoding.text) for n, raw in part.prefixes.items()},
            )
            for at, part in enumerate(self._parts)
            if part.prefixes and self._is_text
        ]
        self._values = together(self.numbers)
        self._contents = Contents([part.element for part in self._parts], encoding)
        fixed = [at for at, part in enumerate(self._parts) if not part.prefixes]
        self._fixed: Callable[[Any], tuple[Any, ...]] | None = together(fixed) if fixed else None
        self._widths = tuple(
            self._parts[at].characters(self._parts[at].element.longest) for at in fixed
        )

    def read(self, payload: bytes) -> dict[int, str] | None:
        """Return the elements of a payload with this plan's bitmaps, or ``None``."""
        spelled = b""
        at = self._start
        for gap, prefix_octets, known in self._gaps:
            begins = at + gap
            at = begins + prefix_octets
            prefix = payload[begins:at]
            octets = known.get(prefix)
            if octets is None:
                return None
            spelled += prefix
            at += octets
        layout = self._layouts.get(spelled) or self._lay_out(spelled)
        if layout.octets != len(payload):
            return None
        if self._inwards is None:
            text = payload.decode("latin-1")
        else:
            text = payload.translate(self._inwards).decode("latin-1")
        if self._has_digits:
            text += payload.hex().upper()
            if layout.zeros is not None and "".join(layout.zeros(text)).strip("0"):
                return None
        values = layout.cut(text)
        # Both have one for each element: the plan has cut them.
        return dict(zip(self.numbers, values)) if self._contents.are_sound(values) else None  # noqa: B905

    def write(self, elements: Mapping[int, str], head: bytes) -> bytes | None:
        """Return ``head``, which is MTI and bitmaps, and the elements; or ``None``."""
        values = self._values(elements)
        if self._fixed is not None and self._fixed(tuple(map(len, values))) != self._widths:
            return None
        if not self._contents.are_sound(values):
            return None
        octets = self._text_written(values) if self._is_text else self._pieces_written(values)
        return None if octets is None else head + octets

    def _text_written(self, values: Texts) -> bytes | None:
        """Write elements that are all text, encoded in one go."""
        pieces = list(values)
        for at, prefixes in self._prefixes:
            value = pieces[at]
            prefix = prefixes.get(len(value))
            if prefix is None:
                return None
            pieces[at] = prefix + value
        return self._encoded("".join(pieces))

    def _pieces_written(self, values: Texts) -> bytes | None:
        """Write elements of which some are digits or bytes, one by one."""
        pieces: list[bytes] = []
        for part, value in zip(self._parts, values, strict=True):
            length, odd = divmod(len(value), part.digits_each)
            if part.prefixes:
                prefix = part.prefixes.get(length)
                if prefix is None or odd:
                    return None
                pieces.append(prefix)
            if part.in_hexadecimal:
                pieces.append(bytes.fromhex("0" + value if len(value) % 2 else value))
            else:
                pieces.append(self._encoded(value))
        return b"".join(pieces)

    def _encoded(self, text: str) -> bytes:
        octets = text.encode("latin-1")
        return octets if self._outwards is None else octets.translate(self._outwards)

    def _lay_out(self, spelled: bytes) -> Layout:
        """Find the place of every element, and remember it for the next payload like it."""
        at, slices, zeros = self._start, [], []
        used = 0
        for part in self._parts:
            length = part.element.longest
            if part.prefixes:
                length = part.lengths[spelled[used : used + part.prefix_octets]]
                used += part.prefix_octets
                at += part.prefix_octets
            characters = part.characters(length)
            slices.append((part.in_hexadecimal, at, characters))
            if part.pads and characters % 2:
                zeros.append(at)
            at += part.octets(length)
        layout = Layout(
            octets=at,
            cut=together([_slice(*place, total=at) for place in slices]),
            zeros=together([at + 2 * zero for zero in zeros]) if zeros else None,
        )
        if len(self._layouts) >= LAYOUTS_MAX:
            del self._layouts[next(iter(self._layouts))]
        self._layouts[spelled] = layout
        return layout

    def _variable_ones(self) -> list[Gap]:
        """Return, for each variable element, the fixed bytes before it and its lengths."""
        gaps: list[Gap] = []
        width = 0
        for part in self._parts:
            if part.prefixes:
                octets = {raw: part.octets(length) for raw, length in part.lengths.items()}
                gaps.append((width, part.prefix_octets, octets))
                width = 0
            else:
                width += part.octets(part.element.longest)
        return gaps


def _slice(in_hexadecimal: bool, at: int, characters: int, *, total: int) -> slice:  # noqa: FBT001 - read off a row
    if not in_hexadecimal:
        return slice(at, at + characters)
    begins = total + 2 * at + characters % 2
    return slice(begins, begins + characters)
