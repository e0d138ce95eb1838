"""What all messages of one profile share: how characters and elements become bytes.

And how much is remembered of them: a peer may send sound messages of ever other elements and
lengths, so what is made for each kind of them is counted together, wherever it is kept.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from atm_switch.profile.model import Encoding, Profile
from atm_switch.wire.gate import outside_of
from atm_switch.wire.part import Part, parts_of, translations

LAYOUTS_MAX = 512
"""Layouts of all plans together: some 11 KiB each, with twenty elements."""
WRITINGS_MAX = 512
"""Kinds of answers to all of the layouts together."""
SHAPES_MAX = 1024
"""Combinations of lengths of all that is written."""


class Latest:
    """So many things in however many dictionaries: the oldest gives way, wherever it is."""

    __slots__ = ("_most", "_places")

    def __init__(self, most: int) -> None:
        """Remember the latest ``most``."""
        self._most = most
        self._places: deque[tuple[dict[Any, Any], Any]] = deque()

    def put(self, place: dict[Any, Any], key: object, value: object) -> None:
        """Remember ``value`` in ``place``, which does not have the key."""
        if len(self._places) >= self._most:
            others, its = self._places.popleft()
            del others[its]
        self._places.append((place, key))
        place[key] = value


@dataclass(frozen=True, slots=True, eq=False)
class Spelling:
    """Tables of one profile, made once; two are the same where they are one object."""

    encoding: Encoding
    parts: Mapping[int, Part]
    outside: bytes
    inwards: bytes | None
    outwards: bytes | None
    """Tables from the profile's characters to Latin-1 and back; none where it is ASCII."""
    layouts: Latest = field(default_factory=lambda: Latest(LAYOUTS_MAX))
    writings: Latest = field(default_factory=lambda: Latest(WRITINGS_MAX))
    shapes: Latest = field(default_factory=lambda: Latest(SHAPES_MAX))

    @classmethod
    def of(cls, profile: Profile) -> "Spelling":
        """Look at a profile."""
        encoding = profile.encoding
        inwards, outwards = translations(encoding.text)
        return cls(
            encoding=encoding,
            parts=parts_of(profile.elements, encoding),
            outside=outside_of(encoding),
            inwards=inwards,
            outwards=outwards,
        )

    def written(self, text: str) -> bytes:
        """Write characters, which are judged afterwards.

        Raises ``UnicodeEncodeError`` for what is beyond Latin-1.
        """
        octets = text.encode("latin-1")
        return octets if self.outwards is None else octets.translate(self.outwards)
