"""Fixed layouts inside an element: places in a row, each with a length and a class.

Numbers stand right with zeros before them, text left with spaces after it and cut to its
width (domain.md 4.4).
"""

import re
from collections.abc import Mapping, Sequence

from atm_switch.profile.model import LayoutField

_CONTENT = {
    name: re.compile(shape)
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
        part = text[start : start + field.length]
        start += field.length
        if not _CONTENT[field.content].fullmatch(part):
            message = f"{field.name} is not of class {field.content}"
            raise ValueError(message)
        values[field.name] = part if field.content == "n" else part.rstrip(" ")
    return values


def write_layout(layout: Sequence[LayoutField], values: Mapping[str, str]) -> str:
    """Lay out ``values``.  Raises ``ValueError`` for a number too long for its place."""
    parts = []
    for field in layout:
        value = values[field.name]
        if field.content != "n":
            parts.append(value[: field.length].ljust(field.length))
            continue
        if len(value) > field.length or not (value.isascii() and value.isdigit()):
            message = f"{field.name} does not fit {field.length} digits"
            raise ValueError(message)
        parts.append(value.rjust(field.length, "0"))
    return "".join(parts)
