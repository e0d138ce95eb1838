"""Read the bitmaps ourselves, before any codec does: which elements, where they begin.

pyiso8583 takes blanks for hexadecimal, needs a specification for every bit it meets and
reads bit 65 as a third bitmap (security.md 4); none of that gets past here.
"""

import re

from atm_switch.domain.errors import FormatError
from atm_switch.profile.model import Encoding

BITMAP_BYTES = 8
TERTIARY = 65


def mti_bytes(encoding: Encoding) -> int:
    """Count the bytes of an MTI."""
    return 2 if encoding.mti == "bcd" else 4


def read_mti(payload: bytes, encoding: Encoding) -> str:
    """Return the four digits of the MTI.  Raises ``FormatError`` naming DE000."""
    raw = payload[: mti_bytes(encoding)]
    text = raw.hex() if encoding.mti == "bcd" else raw.decode(encoding.text, errors="replace")
    if not re.fullmatch(r"[0-9]{4}", text, re.ASCII):
        raise FormatError("the MTI is not four digits", data_element=0, offset=0)
    return text


def read_bitmaps(payload: bytes, mti: str, encoding: Encoding) -> tuple[list[int], int]:
    """Return the element numbers in order and the offset where they begin.

    Raises ``FormatError`` for a bitmap that is cut short, not canonical, or asks for a
    third one.
    """
    width = BITMAP_BYTES * (2 if encoding.bitmap == "hex" else 1)
    start = mti_bytes(encoding)
    bits = _bitmap(payload, start, width, mti, encoding)
    start += width
    if 1 in bits:
        second = _bitmap(payload, start, width, mti, encoding)
        start += width
        if not second:
            raise FormatError(
                "a second bitmap without a bit", data_element=1, offset=start - width, mti=mti
            )
        bits = bits[1:] + [bit + 64 for bit in second]
    if TERTIARY in bits:
        raise FormatError("a third bitmap", data_element=TERTIARY, offset=start - width, mti=mti)
    return bits, start


def _bitmap(payload: bytes, start: int, width: int, mti: str, encoding: Encoding) -> list[int]:
    raw = payload[start : start + width]
    if len(raw) < width:
        raise FormatError("the bitmap is cut short", data_element=1, offset=start, mti=mti)
    if encoding.bitmap == "hex":
        text = raw.decode(encoding.text, errors="replace")
        if not re.fullmatch(r"[0-9A-F]+", text, re.ASCII):
            raise FormatError(
                "the bitmap is not upper-case hexadecimal", data_element=1, offset=start, mti=mti
            )
        raw = bytes.fromhex(text)
    number = int.from_bytes(raw, "big")
    return [bit for bit in range(1, 65) if number >> (64 - bit) & 1]
