"""Elements whose class and length are no matter of dialect: the program reads or makes them.

A profile may spell them as it likes (BCD, EBCDIC); it may not make a terminal id of sixteen
characters or a DE48 too short for its own layout, for then every inquiry would end in 96.
"""

from collections.abc import Iterator

from atm_switch.profile.model import Profile
from atm_switch.profile.protection import pin_block_bytes

FIXED = {
    3: ("n", 6), 4: ("n", 12), 7: ("n", 10), 11: ("n", 6), 12: ("n", 6), 13: ("n", 4),
    14: ("n", 4), 15: ("n", 4), 18: ("n", 4), 37: ("an", 12), 39: ("an", 2), 41: ("ans", 8),
    49: ("n", 3), 64: ("b", 8), 70: ("n", 3), 128: ("b", 8),
}  # fmt: skip
"""Class and length by number (ISO 8583:1987)."""

AMOUNTS_LENGTH = 40
"""Two entries of DE54."""

BLOCK_LINES = 24
BLOCK_HEAD = 5


def misshapen(profile: Profile) -> Iterator[str]:
    """Name every element that does not have the shape this program needs."""
    shapes = FIXED | {52: ("b", pin_block_bytes(profile))}
    for number, (content, length) in shapes.items():
        element = profile.elements.get(number)
        if element is None:
            continue
        if (element.content, element.length_digits, element.longest) != (content, 0, length):
            yield f"elements.{number} must be fixed, class {content}, length {length}"
    widths = (*profile.inquiry.receipt_widths, profile.inquiry.screen_width)
    block = BLOCK_HEAD + BLOCK_LINES * max(widths)
    layout = max(sum(f.length for f in fields) for fields in profile.layouts.values())
    for number, length in ((48, layout), (54, AMOUNTS_LENGTH), (62, block), (63, block)):
        element = profile.elements.get(number)
        if element is None or element.content != "ans" or element.longest < length:
            yield f"elements.{number} must be of class ans and hold {length} characters"
    if not {39, 48, 62} <= profile.messages["inquiry"].response:
        yield "messages.inquiry.response must hold 39, 48 and 62"
