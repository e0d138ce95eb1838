"""On which line of a TOML text a value is written.

Plan: blank out comments and the inside of strings, join what brackets or long strings
hold together, then read headers and keys line by line.
Limits: the text is valid TOML (``tomllib`` has read it); what is inside an inline table is
placed on the line of its key.  Why not a TOML library that keeps lines: one dependency
more for sixty lines.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

Place = tuple[str | int, ...]

_QUIET = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*',
    re.DOTALL,
)
_HEADER = re.compile(r"\s*(\[\[?)(.+?)\]\]?\s*$", re.DOTALL)


def find_lines(text: str) -> dict[Place, int]:
    """Map every table and key to its line, counted from 1."""
    lines: dict[Place, int] = {}
    counts: dict[Place, int] = {}
    here: Place = ()
    for number, quiet, whole in _statements(text):
        header = _HEADER.match(quiet)
        if header is not None:
            parts = _parts(whole[header.start(2) : header.end(2)])
            here = _inside(parts, counts, is_array=header[1] == "[[")
            lines.setdefault((*here,), number)
            lines.setdefault(parts, number)
        elif "=" in quiet:
            key = whole[: quiet.index("=")]
            lines.setdefault((*here, *_parts(key)), number)
    return lines


def line_of(place: Place, lines: Mapping[Place, int]) -> int | None:
    """Return the line of a place, or of the nearest thing it is in."""
    for length in range(len(place), 0, -1):
        if place[:length] in lines:
            return lines[place[:length]]
    return None


def _inside(parts: Place, counts: dict[Place, int], *, is_array: bool) -> Place:
    """Turn the name of a table into a place: arrays of tables get their number."""
    here: Place = ()
    for at, part in enumerate(parts):
        here = (*here, part)
        if is_array and at == len(parts) - 1:
            counts[here] = counts.get(here, 0) + 1
        if here in counts:
            here = (*here, counts[here] - 1)
    return here


def _statements(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield (first line, text with quiet parts blanked, text) of each statement."""
    quiet = _QUIET.sub(_blank, text)
    start, depth = 0, 0
    for at, character in enumerate(quiet + "\n"):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(character, 0)
        if character == "\n" and depth <= 0:
            if quiet[start:at].strip():
                yield text.count("\n", 0, start) + 1, quiet[start:at], text[start:at]
            start, depth = at + 1, 0


def _blank(match: re.Match[str]) -> str:
    """Keep the length; a comment becomes spaces, a string a row of letters."""
    found = match[0]
    return (" " if found.startswith("#") else "x") * len(found)


def _parts(key: str) -> Place:
    """Take a dotted, possibly quoted key apart."""
    table: Any = tomllib.loads(f"{key.strip()} = 0")
    parts: list[str] = []
    while isinstance(table, dict):
        name, table = next(iter(table.items()))
        parts.append(name)
    return tuple(parts)
