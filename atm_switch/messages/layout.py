"""Fixed layouts inside an element: places in a row, each with a length and a class.

Numbers stand right with zeros before them, text left with spaces after it and cut to its
width (domain.md 4.4).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from atm_switch.profile.model import LayoutField

Layout = tuple[LayoutField, ...]

_CLASSES = {"n": "[0-9]", "a": "[A-Za-z ]", "an": "[A-Za-z0-9 ]", "ans": "[ -~]"}
LAYOUTS_KEPT = 64


def layout_length(layout: Layout) -> int:
    """Count the characters of a layout."""
    return sum(field.length for field in layout)


@dataclass(frozen=True, slots=True)
class _Form:
    """A layout as one pattern to read by and one format to write by."""

    length: int
    names: tuple[str, ...]
    texts: tuple[str, ...]
    numbers: tuple[str, ...]
    pattern: re.Pattern[str]
    format: str


@lru_cache(LAYOUTS_KEPT)
def _form_of(layout: Layout) -> _Form:
    return _Form(
        length=layout_length(layout),
        names=tuple(one.name for one in layout),
        texts=tuple(one.name for one in layout if one.content != "n"),
        numbers=tuple(one.name for one in layout if one.content == "n"),
        pattern=re.compile("".join(f"({_CLASSES[at.content]}{{{at.length}}})" for at in layout)),
        format="".join(map(_written, layout)),
    )


def _written(field: LayoutField) -> str:
    """Return how the value of a place is formatted."""
    length = field.length
    return f"{{:0>{length}}}" if field.content == "n" else f"{{:<{length}.{length}}}"


def read_layout(layout: Layout, text: str) -> dict[str, str]:
    """Cut ``text`` into its places, spaces at the end of text places removed.

    Raises ``ValueError`` naming the place, never its content.
    """
    form = _form_of(layout)
    found = form.pattern.fullmatch(text)
    if found is None:
        raise _unfit(layout, text)
    values = dict(zip(form.names, found.groups(), strict=True))
    for name in form.texts:
        values[name] = values[name].rstrip(" ")
    return values


def write_layout(layout: Layout, values: Mapping[str, str]) -> str:
    """Lay out ``values``.  Raises ``ValueError`` for a number too long for its place."""
    form = _form_of(layout)
    text = form.format.format(*[values[name] for name in form.names])
    numbers = [values[name] for name in form.numbers]
    digits = "".join(numbers)
    # Texts are cut to their places: only a number can make the whole too long.
    if len(text) != form.length or "" in numbers or not _are_digits(digits):
        raise _misfit(layout, values)
    return text


class LayoutForm:
    """A layout in which some values stand already, for others to be filled in."""

    __slots__ = ("_digits", "_layout", "_length", "_names", "_numbers", "_order", "_shared",
                 "_text")  # fmt: skip

    def __init__(
        self,
        layout: Layout,
        shared: Mapping[str, str],
        texts: Sequence[str],
        numbers: Sequence[str],
    ) -> None:
        """Write the ``shared`` values; two or more are to follow, ``numbers`` as ``int``.

        What is a text and what an ``int`` is the caller's to say; the class of a place is the
        profile's, and either may stand in a place of any class.
        Raises ``ValueError`` for a number too long for its place.
        """
        self._layout, self._shared, self._names = layout, dict(shared), (*texts, *numbers)
        self._length = layout_length(layout)
        empty = [one for one in layout if one.name in self._names]
        self._text = "".join(
            _place_of(one, one.name in numbers)
            if one in empty
            else write_layout((one,), shared).replace("%", "%%")
            for one in layout
        )
        at = self._names.index
        self._order = itemgetter(*[at(one.name) for one in empty])
        of_digits = [one for one in empty if one.content == "n"]
        self._numbers = [at(one.name) for one in of_digits if one.name in numbers]
        self._digits = [(at(one.name), one.length) for one in of_digits if one.name in texts]

    def filled(self, values: Sequence[Any]) -> str:
        """Lay out ``values``, in the order of their names: texts, then numbers.

        Raises ``ValueError`` for a number below zero or too long for its place.
        """
        text: str = self._text % self._order(values)
        fits = len(text) == self._length  # texts are cut to their places, numbers are not
        for at in self._numbers:
            fits = fits and values[at] >= 0
        for at, length in self._digits:  # a shorter one wants zeros
            fits = fits and len(values[at]) == length and _are_digits(values[at])
        if fits:
            return text
        own = {name: str(one) for name, one in zip(self._names, values, strict=True)}
        return write_layout(self._layout, {**self._shared, **own})  # or says what is wrong


def _place_of(field: LayoutField, is_number: bool) -> str:  # noqa: FBT001  one of two formats
    """Return the place of a value as ``%`` wants it."""
    if field.content != "n":
        return f"%-{field.length}.{field.length}s"
    return f"%0{field.length}d" if is_number else "%s"


def _are_digits(text: str) -> bool:
    return not text or (text.isdecimal() and text.isascii())


def _unfit(layout: Layout, text: str) -> ValueError:
    """Say which place of a text is not of its class."""
    if len(text) != layout_length(layout):
        return ValueError(f"has {len(text)} characters, not {layout_length(layout)}")
    start = 0
    for field in layout:
        end = start + field.length
        if not re.fullmatch(f"{_CLASSES[field.content]}*", text[start:end]):
            break
        start = end
    return ValueError(f"{field.name} is not of class {field.content}")


def _misfit(layout: Layout, values: Mapping[str, str]) -> ValueError:
    """Say which number does not fit: the first too long or empty, else the first of no digits."""
    numbers = [(field, values[field.name]) for field in layout if field.content == "n"]
    sizes = [field for field, value in numbers if not 0 < len(value) <= field.length]
    strange = [field for field, value in numbers if not _are_digits(value)]
    field = (sizes + strange)[0]
    return ValueError(f"{field.name} does not fit {field.length} digits")
