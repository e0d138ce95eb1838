"""Judge the contents of all elements of a message at once, by class.

Plan: the elements of one class are joined and matched together; those with a fixed width
share one expression, in which each class has the characters of all its elements.
Limits: yes or no; ``reference.content_fault`` names the element and what is wrong with it.
The classes are those of the profile: ``n an a ans b z``.
"""

import re
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from atm_switch.profile.model import Element, Encoding

PRINTABLE = bytes(range(0x20, 0x7F))

Texts = tuple[str, ...]
Cut = Callable[[Any], Texts]
Fits = Callable[[str], object]

_ONE_OF = {"b": "[0-9A-F]", "a": "[A-Za-z ]", "an": "[A-Za-z0-9 ]", "n": "[0-9]"}
_ANY = {
    "b": re.compile("(?:[0-9A-F]{2})*"),
    "a": re.compile("[A-Za-z ]*"),
    "an": re.compile("[A-Za-z0-9 ]*"),
}
_TRACK_2, _PACKED_TRACK_2 = re.compile("[0-9]+[=D][0-9]*"), re.compile("[0-9]+D[0-9]*")


class Contents:
    """The contents of one set of elements."""

    def __init__(self, elements: Sequence[Element], encoding: Encoding) -> None:
        """Look at the elements, which come in this order."""
        places = {
            content: [at for at, element in enumerate(elements) if element.content == content]
            for content in ("b", "a", "an", "n", "ans", "z")
        }
        variable = {at for at, element in enumerate(elements) if element.length_digits}
        ordered, expression = [], ""
        for content, one in _ONE_OF.items():
            # Digits come last: with nothing behind them their number may vary.
            taken = [at for at in places[content] if at not in variable or content == "n"]
            ordered += taken
            each = 2 if content == "b" else 1
            count = sum(elements[at].longest for at in taken) * each
            expression += f"{one}*" if content == "n" else f"{one}{{{count}}}"
        self._ordered = together(ordered) if ordered else None
        self._fits: Fits = re.compile(expression).fullmatch
        self._printable = together(places["ans"]) if places["ans"] else None
        self._rest: list[tuple[int, Fits]] = [
            (at, _ANY[content].fullmatch)
            for content in _ANY
            for at in places[content]
            if at in variable
        ]
        track = _PACKED_TRACK_2 if encoding.numbers == "bcd" else _TRACK_2
        self._rest += [(at, track.fullmatch) for at in places["z"]]

    def are_sound(self, values: Texts) -> bool:
        """Tell whether all values, whose widths are those of the profile, are of their class."""
        if self._ordered is not None and self._fits("".join(self._ordered(values))) is None:
            return False
        if self._printable is not None:
            text = "".join(self._printable(values))
            if not text.isascii() or text.encode().translate(None, PRINTABLE):
                return False
        return not self._rest or all(fits(values[at]) is not None for at, fits in self._rest)


def together(keys: Sequence[Any]) -> Cut:
    """Return what gets all of ``keys`` at once, as a tuple also where there is one."""
    if len(keys) == 1:
        only = keys[0]
        return lambda source: (source[only],)
    return itemgetter(*keys)
