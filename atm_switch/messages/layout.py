"""Fixed layouts inside an element: places in a row, each with a length and a class.

Numbers stand right with zeros before them, text left with spaces after it and cut to its
width (domain.md 4.4).
"""

import re
from collections.abc import Mapping, Sequence

from atm_switch.profile.model import LayoutField

_FITS = {
    name: re.compile(shape).fullmatch
    for name, shape in {
        "n": r"[0-9]+", "a": r"[A-Za-z ]+", "an": r"[A-Za-z0-9 ]+", "ans": r"[ -~]+",
    }.items()
}  # fmt: skip


def layout_length(layout: Sequence[LayoutField]) -> int:
    """Count the characters of a layout."""
    return sum(field.length for field in layout)


def read_layout(layout: Sequence[LayoutField], text: str) -> dict[str, str]:
    """Cut ``text`` into its places, spaces at the end of text places removed.

    Raises ``ValueError`` naming the place, never its content.
    """
    if len(text) != layout_length(layout):
        message = f"has {len(text)} characters, not {layout_length(layout)}"
        raise ValueError(message)
    values, start = {}, 0
    for field in layout:
        end, content = start + field.length, field.content
        part = text[start:end]
        start = end
        if not _FITS[content](part):
            message = f"{field.name} is not of class {content}"
            raise ValueError(message)
        values[field.name] = part if content == "n" else part.rstrip(" ")
    return values


def write_layout(layout: Sequence[LayoutField], values: Mapping[str, str]) -> str:
    """Lay out ``values``.  Raises ``ValueError`` for a number too long for its place."""
    parts, numbers = [], []
    for field in layout:
        value, length = values[field.name], field.length
        if field.content != "n":
            parts.append(value[:length].ljust(length))
            continue
        if not value or len(value) > length:
            raise _misfit(field)
        parts.append(value.rjust(length, "0"))
        numbers.append(value)
    digits = "".join(numbers)  # all at once: a layout has a dozen numbers
    if numbers and not (digits.isdecimal() and digits.isascii()):
        fields = [field for field in layout if field.content == "n"]
        raise _misfit(next(f for f in fields if not _FITS["n"](values[f.name])))
    return "".join(parts)


def _misfit(field: LayoutField) -> ValueError:
    return ValueError(f"{field.name} does not fit {field.length} digits")
