"""How each element of a profile is written in bytes, looked up once for the plans."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from atm_switch.profile.model import Element, Encoding


@dataclass(frozen=True, slots=True)
class Part:
    """One element as bytes: what a plan needs of it, made once for each profile.

    ``lengths`` is the spelling of each length allowed, ``prefixes`` the same turned round;
    both count what ``element.longest`` counts, and have no entry for a fixed element.
    """

    element: Element
    in_hexadecimal: bool
    """Cut from the payload's digits: BCD, or raw bytes."""
    pads: bool
    """An odd number of digits is written after a 0."""
    digits_each: int
    """Characters of the value to one counted: 2 for class ``b``."""
    prefix_octets: int
    lengths: Mapping[bytes, int]
    prefixes: Mapping[int, bytes]

    @classmethod
    def of(cls, element: Element, encoding: Encoding) -> "Part":
        """Look at an element of a profile."""
        is_binary = element.content == "b"
        is_packed = element.content in ("n", "z") and encoding.numbers == "bcd"
        counted = range(element.shortest, element.longest + 1)
        prefixes = {
            length: _spelled(length, element.length_digits, encoding)
            for length in (counted if element.length_digits else ())
        }
        return cls(
            element=element,
            in_hexadecimal=is_packed or (is_binary and encoding.binary == "raw"),
            pads=is_packed,
            digits_each=2 if is_binary else 1,
            prefix_octets=len(prefixes[element.longest]) if prefixes else 0,
            lengths={spelled: length for length, spelled in prefixes.items()},
            prefixes=prefixes,
        )

    def characters(self, length: int) -> int:
        """Return how many characters the value has."""
        return length * self.digits_each

    def octets(self, length: int) -> int:
        """Return how many bytes the content takes."""
        characters = self.characters(length)
        return (characters + 1) // 2 if self.in_hexadecimal else characters


def parts_of(elements: Mapping[int, Element], encoding: Encoding) -> dict[int, Part]:
    """Look at all elements of a profile."""
    return {number: Part.of(element, encoding) for number, element in elements.items()}


def translations(encoding: str) -> tuple[bytes | None, bytes | None]:
    """Return the tables from an encoding of text to Latin-1 and back; none for ASCII.

    EBCDIC code page 500 has the characters of Latin-1 at other places, one to one.  Raises
    ``ValueError`` for an encoding that has not.
    """
    if encoding == "ascii":
        return None, None
    inwards = bytes(range(256)).decode(encoding).encode("latin-1")
    if len(set(inwards)) < 256:
        raise ValueError("two bytes of the encoding are one character")
    return inwards, bytes.maketrans(inwards, bytes(range(256)))


def _spelled(length: int, digits: int, encoding: Encoding) -> bytes:
    text = f"{length:0{digits}d}"
    if encoding.lengths == "bcd":
        return bytes.fromhex("0" * (len(text) % 2) + text)
    return text.encode(encoding.text)


def bitmaps_of(numbers: Sequence[int], encoding: Encoding) -> bytes:
    """Write the bitmaps of ``numbers``, the second only where an element is beyond 64."""
    present = {1, *numbers} if max(numbers) > 64 else set(numbers)
    width = 128 if 1 in present else 64
    raw = sum(1 << (width - number) for number in present).to_bytes(width // 8, "big")
    return raw.hex().upper().encode(encoding.text) if encoding.bitmap == "hex" else raw
