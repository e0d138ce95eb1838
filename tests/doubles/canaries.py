"""Canaries, every disguise one can come back in, and the search for them.

A canary is text (digits, hexadecimal, a track).  Each is looked for as text, in capitals
and small letters, as hexadecimal of the text, packed two digits a byte in either order of
the nibbles and shifted by one, in base64 at its three alignments, in both orders of
UTF-16, and in EBCDIC; what is packed is looked for in base64 as well.
Limits: nothing enciphered or compressed is opened.
"""

import base64
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

HEAD_BYTES = 5
"""By so many a pattern is looked up; a disguise that is shorter would be found by chance."""
PATTERN_BYTES_MAX = 1000
_ZEROS = re.compile(rb"\0{64,}")
"""Empty places of databases: no canary begins or goes on in one."""

Heads = Mapping[bytes, set[tuple[str, str, bytes]]]


@dataclass(frozen=True, slots=True)
class Canary:
    """One secret by a name that may be printed."""

    name: str
    text: str

    def __repr__(self) -> str:
        """Show the name only."""
        return f"<Canary {self.name}>"


def disguises(text: str) -> Iterator[tuple[str, bytes]]:
    """Yield every form of a canary with its name."""
    for spelling in {text, text.upper(), text.lower()}:
        raw = spelling.encode()
        yield "text", raw
        yield "utf-16-le", spelling.encode("utf-16-le")
        yield "utf-16-be", spelling.encode("utf-16-be")
        yield "ebcdic", spelling.encode("cp500")
        yield "hex", raw.hex().encode()
        yield "HEX", raw.hex().upper().encode()
        yield from _base64(raw, "base64")
    for name, packed in _packed(text):
        yield name, packed
        yield from _base64(packed, f"base64 of {name}")


def _packed(text: str) -> Iterator[tuple[str, bytes]]:
    """Pack hexadecimal digits; what is no digit, as a track's separator, is a ``D``."""
    digits = re.sub("[^0-9A-Fa-f]", "D", text)
    even = len(digits) // 2 * 2
    shifted = digits[1 : 1 + (len(digits) - 1) // 2 * 2]
    for name, part in (("packed", digits[:even]), ("packed, shifted", shifted)):
        yield name, bytes.fromhex(part)
        yield f"{name}, nibbles turned", bytes.fromhex(re.sub("(.)(.)", r"\2\1", part))


def _base64(raw: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    for shift in range(3):
        # Characters that hold a bit of a neighbour's are left out on both sides.
        whole = base64.b64encode(bytes(shift) + raw).rstrip(b"=")
        first = (8 * shift + 5) // 6
        found = whole[first : 8 * (shift + len(raw)) // 6]
        yield f"{name} at {shift}", found
        yield f"{name} at {shift}, for addresses", found.translate(bytes.maketrans(b"+/", b"-_"))


def hits(sinks: Mapping[str, bytes], canaries: Iterable[Canary]) -> list[tuple[str, str, str]]:
    """Name sink, canary and disguise of everything found.

    One walk over each sink, whatever the number of patterns: they are looked up by their first
    bytes.
    """
    heads: dict[bytes, set[tuple[str, str, bytes]]] = defaultdict(set)
    for canary in canaries:
        for form, pattern in disguises(canary.text):
            if len(pattern) >= HEAD_BYTES:
                heads[pattern[:HEAD_BYTES]].add((canary.name, form, pattern))
    return sorted(
        {
            (sink, name, form)
            for sink, content in sinks.items()
            for at, sought in _places(_ZEROS.sub(bytes(HEAD_BYTES), content), heads)
            for name, form, pattern in sought
            if at.startswith(pattern)
        }
    )


def _places(content: bytes, heads: Heads) -> Iterator[tuple[bytes, set[tuple[str, str, bytes]]]]:
    """Yield what stands wherever a pattern may begin, with the patterns that may."""
    for at in range(len(content) - HEAD_BYTES + 1):
        sought = heads.get(content[at : at + HEAD_BYTES])
        if sought:
            yield content[at : at + PATTERN_BYTES_MAX], sought
