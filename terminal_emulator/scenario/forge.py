"""Write a message as it stands, also one that no packager would write.

Plan: bitmaps and lengths are made of what is there; contents are written as given, however
long and of whatever class, so that a host can be shown what it must refuse.
Limits: a length beyond its digits is written with its last digits; an element the profile
does not know is written as text without a length.
"""

from collections.abc import Mapping

from atm_switch.profile.model import Element, Encoding, Profile
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.part import bitmaps_of


def forged(message: IsoMessage, profile: Profile) -> bytes:
    """Return the payload of ``message``; never raises for its contents."""
    encoding, numbers = profile.encoding, sorted(message.elements)
    if encoding.mti == "bcd":
        head = _packed(message.mti)
    else:
        head = message.mti.encode(encoding.text, errors="replace")
    bitmaps = bitmaps_of(numbers, encoding) if numbers else bitmaps_of([1], encoding)[:0]
    return head + bitmaps + _elements(message.elements, profile)


def _elements(elements: Mapping[int, str], profile: Profile) -> bytes:
    written = []
    for number in sorted(elements):
        element = profile.elements.get(number)
        if element is None:
            written.append(elements[number].encode("latin-1", errors="replace"))
        else:
            written.append(_written(element, elements[number], profile.encoding))
    return b"".join(written)


def _written(element: Element, text: str, encoding: Encoding) -> bytes:
    is_packed = element.content in ("n", "z") and encoding.numbers == "bcd"
    is_raw = element.content == "b" and encoding.binary == "raw"
    if is_packed and element.content == "z":
        text = text.replace("=", "D")  # how four bits say it
    content = _packed(text) if is_packed or is_raw else text.encode(encoding.text, errors="replace")
    if not element.length_digits:
        return content
    length = (len(text) + 1) // 2 if element.content == "b" else len(text)
    digits = f"{length:0{element.length_digits}d}"[-element.length_digits :]
    if encoding.lengths == "bcd":
        return _packed(digits) + content
    return digits.encode(encoding.text) + content


def _packed(text: str) -> bytes:
    """Pack digits two to a byte; what is no hexadecimal digit becomes 0."""
    digits = "".join(one if one in "0123456789ABCDEFabcdef" else "0" for one in text)
    return bytes.fromhex("0" * (len(digits) % 2) + digits)
